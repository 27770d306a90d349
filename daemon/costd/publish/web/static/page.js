// What a page can do beyond links and forms; all of it works without, a little less handy.
"use strict";

// Ages go on while nothing is written.
const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
function age(then) {
  const passed = Math.max(0, Math.floor((Date.now() - Date.parse(then)) / 1000));
  const [size, sign] = units.find(([size]) => passed >= size) || [1, "s"];
  return `${Math.floor(passed / size)}${sign} ago`;
}
setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = age(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

// Keys: g and the first letter of a page, / for the search, ? for the list.
let waits = false;
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input, select, textarea, dialog");
  if (field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (waits) {
    waits = false;
    const link = document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
  } else if (event.key === "g") {
    waits = true;
    setTimeout(() => { waits = false; }, 3000);
  } else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
    else location.assign("/issues");
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  }
});

function ready(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  for (const box of root.querySelectorAll("[data-all]")) box.hidden = false;
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try { await navigator.clipboard.writeText(field.value); }
  catch { document.execCommand("copy"); }
  button.textContent = "Copied";
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const box of document.querySelectorAll("input[name=session]")) box.checked = event.target.checked;
});
ready(document);
document.addEventListener("htmx:after:swap", () => ready(document));
