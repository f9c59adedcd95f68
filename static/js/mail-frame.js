// Makes the frame with a mail as tall as the mail, so that nothing scrolls inside of it. Without
// this, the frame is tall enough for most.
const frame = document.querySelector("iframe.mail-html");

function fit() {
  const mail = frame.contentDocument;
  if (!mail?.body?.childElementCount) return;
  frame.style.height = "0"; // a page is never lower than its window
  frame.style.height = `${mail.documentElement.scrollHeight + 2}px`;
}

if (frame) {
  frame.addEventListener("load", fit);
  addEventListener("resize", fit);
  fit();
}
