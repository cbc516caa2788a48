/* A run's page: brings each section's data when a reader comes near it, lets the report's script draw it, and leaves
   out the policies that the reader did not choose. */
(() => {
  "use strict";
  const root = document.querySelector(".report[data-source]");
  if (!root) return;
  const asked = new Map();
  const night = window.matchMedia("(prefers-color-scheme: dark)");
  const state = document.documentElement.dataset;
  const shown = new Map(); /* figure -> when it is drawn */
  let finished = 0;
  const all = new Set(JSON.parse(root.dataset.policies || "[]"));
  const only = new Set(JSON.parse(root.dataset.only || "[]"));
  const hidden = (title) => all.has(title) && !only.has(title);

  /* The charts keep their colours: only what stands along an axis is taken off it. */
  function narrowed(part) {
    if (!part || typeof part !== "object") return;
    for (const channel of ["y", "x"]) {
      const scale = part[channel] && part[channel].scale;
      if (scale && Array.isArray(scale.domain)) scale.domain = scale.domain.filter((title) => !hidden(title));
    }
    for (const inner of Object.values(part)) narrowed(inner);
  }

  async function fetched(section, page) {
    const part = section.closest("[data-part]");
    const answer = await fetch(part ? part.dataset.part : `${root.dataset.source}${section.id}.json`);
    if (!answer.ok) throw new Error(`the data of this section did not come (${answer.status})`);
    const data = await answer.json();
    if (only.size) for (const told of Object.values(data.figures)) narrowed(told.spec);
    Object.assign(page.datasets, data.datasets);
    Object.assign(page.figures, data.figures);
    page.themes = data.themes;
    if (data.states) page.states = data.states;
  }

  function leaveOut() {
    for (const select of root.querySelectorAll("select[data-control]")) {
      for (const option of [...select.options]) if (hidden(option.value)) option.remove();
    }
    for (const item of root.querySelectorAll(".key li")) item.hidden = hidden(item.textContent.trim());
    for (const head of root.querySelectorAll("tbody th[scope=row]")) {
      const words = [...head.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data);
      if (hidden(words.join("").trim())) head.parentElement.remove();
    }
  }
  if (only.size) leaveOut();

  window.fieldshiftHost = {
    bring(figure, page) {
      const section = figure.closest("section");
      if (!asked.has(section)) {
        const coming = fetched(section, page);
        asked.set(section, coming);
        coming.catch(() => asked.delete(section));
      }
      return asked.get(section);
    },
    only: (rows) => (only.size ? rows.filter((row) => !hidden(row.policy)) : rows),
    watch(figures, drawOne) {
      const draw = (figure) => {
        if (!shown.has(figure)) shown.set(figure, drawOne(figure, only.size > 0).then(() => {
          finished += 1;
          state.drawn = String(finished);
        }));
        return shown.get(figure);
      };
      const toned = () => document.documentElement.classList.toggle("night", night.matches);
      toned();
      const near = new IntersectionObserver((entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          near.unobserve(entry.target);
          draw(entry.target);
        }
      }, { rootMargin: "200px 0px" });
      for (const figure of figures) near.observe(figure);
      night.addEventListener("change", async () => {
        toned();
        for (const figure of shown.keys()) await drawOne(figure, false);
      });
      const print = async () => {
        for (const figure of figures) await draw(figure);
        window.print();
      };
      for (const button of document.querySelectorAll("[data-print]")) {
        button.hidden = false;
        button.addEventListener("click", async () => {
          button.disabled = true;
          await print();
          button.disabled = false;
        });
      }
      /* A browser prints at once what is there: charts that nobody came near are drawn first. */
      document.addEventListener("keydown", (event) => {
        if (event.key !== "p" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
        if (finished >= figures.length) return;
        event.preventDefault();
        print();
      });
    },
  };
})();
