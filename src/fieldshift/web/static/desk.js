/* The desk's own script: moments in the reader's zone, forms that send themselves, focus after a change. */
(() => {
  "use strict";
  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) {
        time.textContent = at.toLocaleString(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
        time.title = at.toISOString();
      }
    }
  }
  document.addEventListener("DOMContentLoaded", () => localTimes(document));
  document.addEventListener("htmx:after:swap", () => localTimes(document));
  document.addEventListener("submit", (event) => {
    const words = event.target.dataset.confirm; /* set on a form that removes something */
    if (words && !window.confirm(words)) event.preventDefault();
  }, true);
})();
