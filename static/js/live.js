// Keeps the page of a run up to date while its mails are being sent.
const EVERY_MS = 3000;

async function refresh() {
  const area = document.getElementById("live");
  if (!area?.dataset.live) return;
  if (document.hidden || area.contains(document.activeElement) || area.querySelector("details[open]")) {
    return later(); // somebody is at work on it
  }
  try {
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (fresh) area.replaceWith(fresh);
  } catch {
    // The network may be away for a moment; the next round tries again.
  }
  later();
}

function later() {
  setTimeout(refresh, EVERY_MS);
}

later();
