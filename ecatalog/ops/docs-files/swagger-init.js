// Starts Swagger UI. The page's policy allows no inline script, so the address comes from an attribute.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("docs");
  window.ui = SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    filter: true,
    persistAuthorization: true,
    presets: [SwaggerUIBundle.presets.apis],
    requestSnippetsEnabled: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
});
