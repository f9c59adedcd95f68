// Gives a field's text to the clipboard. Its button is shown only where that is possible.
const button = document.querySelector("[data-copy]");
const told = document.querySelector("[data-copied]");

if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      told.hidden = false;
    } catch {
      field.select(); // The browser refuses: at least one key less to press.
    }
  });
}
