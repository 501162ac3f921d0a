"""How the OpenAPI document describes fields, errors and headers."""
