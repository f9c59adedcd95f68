// Another column of days or codes has other values: show them at once. Without this, the button does.
const form = document.querySelector("form[data-import-columns]");
const button = form?.querySelector('[name="again"]');

if (button) {
  for (const name of ["day", "code"]) {
    form.elements[name].addEventListener("change", () => form.requestSubmit(button));
  }
}
