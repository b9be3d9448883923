"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  syntaxHighlight: false, // colouring the figures of a version, half a megabyte, holds the page up for seconds
  requestInterceptor(request) {
    const { body, headers } = request;
    // Swagger UI sends a file that nobody chose as an empty text, which the service refuses as it should.
    if (body instanceof FormData) {
      for (const [name, value] of [...body]) {
        if (value === "") body.delete(name);
      }
    }
    // It also takes lines of JSON for JSON, and puts quotes around the example.
    if (headers["Content-Type"] === "application/x-ndjson" && String(body).startsWith('"')) {
      request.body = JSON.parse(body);
    }
    return request;
  },
});
