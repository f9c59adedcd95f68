// Shows the next runs of a schedule while its form is being filled in. Without this, the page's
// own button does it.
const NOT_ABOUT_TIME = ["csrf_token", "name", "report_type", "export_format", "is_active", "to_author"];
const PAUSE_MS = 250;

const form = document.querySelector("form[data-next-runs]");
const target = document.getElementById("next-runs");
let timer = 0;
let asking = new AbortController();

async function refresh() {
  asking.abort();
  asking = new AbortController();
  const query = new URLSearchParams(new FormData(form));
  for (const name of NOT_ABOUT_TIME) query.delete(name);
  if (form.dataset.schedule) query.set("schedule", form.dataset.schedule);
  try {
    const answer = await fetch(`${form.dataset.nextRuns}?${query}`, { signal: asking.signal });
    if (answer.redirected || ![200, 422].includes(answer.status)) return;
    target.innerHTML = await answer.text();
    form.querySelectorAll("[data-error-of]").forEach(showError);
    showZone();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function showError(place) {
  const name = place.dataset.errorOf;
  if (NOT_ABOUT_TIME.includes(name)) return;
  const text = target.querySelector(`[data-field="${name}"]`)?.textContent ?? "";
  place.textContent = text;
  place.hidden = !text;
  for (const field of form.querySelectorAll(`[name="${name}"]:not([type="checkbox"])`)) {
    field.classList.toggle("is-invalid", Boolean(text));
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

// `berlin` is understood; the field then says how the zone is called.
function showZone() {
  const name = target.querySelector("[data-zone]")?.dataset.zone;
  const field = form.elements.time_zone;
  if (name && document.activeElement !== field) field.value = name;
}

if (form && target) {
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    // A half-typed zone is not wrong yet: wait until its field is left or a choice is taken.
    if (NOT_ABOUT_TIME.includes(event.target.name) || event.target.name === "time_zone") return;
    timer = setTimeout(refresh, PAUSE_MS);
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "time_zone") refresh();
  });
}
