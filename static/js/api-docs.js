// Shows the API's document. Nothing is asked of any other server.
"use strict";
const place = document.getElementById("api");
// The API wants "Token" before the token; here people may paste what they were given.
const withScheme = (request) => {
  const given = (request.headers.Authorization || "").trim();
  if (given) {
    request.headers.Authorization = /^token\s/i.test(given) ? given : `Token ${given}`;
  }
  return request;
};
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  validatorUrl: null,
  requestInterceptor: withScheme,
});
