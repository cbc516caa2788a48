/* The desk's own script: moments in the reader's zone, a question before something is removed, no polls of a page that goes. */
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
  let leaving = false; /* a page that is loaded again asks no more: another answer would begin the load anew */
  window.addEventListener("beforeunload", () => {
    leaving = true;
    setTimeout(() => { leaving = false; }, 60000); /* the load was stopped: the page is still here */
  });
  window.addEventListener("pageshow", () => { leaving = false; });
  document.addEventListener("htmx:before:request", (event) => { if (leaving) event.preventDefault(); });
  document.addEventListener("submit", (event) => {
    const words = event.target.dataset.confirm; /* set on a form that removes something */
    if (words && !window.confirm(words)) event.preventDefault();
  }, true);
})();
