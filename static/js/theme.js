// Follows the system's light or dark setting. Loaded before the styles, so that nothing flashes.
"use strict";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => {
  document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
  document.documentElement.classList.toggle("dark-mode", dark.matches); // Swagger UI's word for it
};
follow();
dark.addEventListener("change", follow);
