// Starts ReDoc. The page's policy allows no inline script, so the address comes from an attribute.
import { init } from "./redoc.standalone.js";

const place = document.getElementById("docs");
init(
  place.dataset.schema,
  {
    disableTelemetry: true,
    downloadUrls: [{ title: "openapi.json", url: place.dataset.schema }],
    onlyRequiredInSamples: false,
    sanitize: true,
    schemasExpansionLevel: 1,
    sortRequiredPropsFirst: true,
  },
  place,
);
