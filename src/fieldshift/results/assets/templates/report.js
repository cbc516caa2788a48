/* The page's own script: draws the charts, answers the controls, sorts and filters the tables. It loads nothing.
   A page that brings its data piece by piece sets window.fieldshiftHost before: { bring(figure, page), only(rows),
   watch(figures, draw) }; then charts are drawn when it asks for them. */
(() => {
  "use strict";
  const host = window.fieldshiftHost || null;
  const page = host ? { datasets: {}, figures: {} } : JSON.parse(document.getElementById("page-data").textContent);
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const night = window.matchMedia("(prefers-color-scheme: dark)");
  const decoded = new Map();
  const errors = [];

  function rowsOf(name) {
    if (decoded.has(name)) return decoded.get(name);
    const { length, columns } = page.datasets[name];
    const rows = Array.from({ length }, () => ({}));
    for (const [field, column] of Object.entries(columns)) {
      if (column.n) {
        column.n.forEach((value, i) => { rows[i][field] = value; });
      } else if (column.t) {
        rows.forEach((row, i) => { row[field] = column.v[i % column.t]; });
      } else if (column.c) {
        column.c.forEach((code, i) => { rows[i][field] = column.v[code]; });
      } else {
        let i = 0;
        for (let r = 0; r < column.r.length; r += 2) {
          for (let n = column.r[r + 1]; n > 0; n -= 1, i += 1) rows[i][field] = column.v[column.r[r]];
        }
      }
    }
    const dates = Object.keys(columns).filter((field) => columns[field].date);
    const found = { rows, dates };
    decoded.set(name, found);
    return found;
  }

  /* The same words for numbers as in the sentences: see report_words.py. */
  function human(value) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    let size = Math.abs(value);
    let word = "";
    for (const [edge, name] of [[1e12, " trillion"], [1e9, " billion"], [1e6, " million"]]) {
      if (size >= edge * 0.9995) { size /= edge; word = name; break; }
    }
    const places = size >= 100 || (size >= 10 && !word) ? 0 : size >= 10 ? 1 : word || size < 1 ? 2 : 1;
    const whole = Math.floor(size * 10 ** places + 0.5) / 10 ** places;
    const text = whole.toLocaleString("en-US", { maximumFractionDigits: places });
    return (value < 0 && whole ? "−" : "") + text + word;
  }
  const formats = {
    text: (value) => String(value),
    number: human,
    signed: (value) => {
      const text = human(value === null ? null : Number(value.toPrecision(3)));
      return (value > 0 && text !== "0" ? "+" : "") + text;
    },
    percent: (value) => {
      if (value === null || value === undefined) return "–";
      if (value > 0 && value < 0.01) return "under 1 %";
      return value > 0.99 && value < 1 ? "over 99 %" : `${Math.floor(value * 100 + 0.5)} %`;
    },
    date: (value) => {
      const [year, month, day] = value.split("-").map(Number);
      return `${day} ${months[month - 1]} ${year}`;
    },
  };

  function chosen(figure, told) {
    const values = {};
    for (const field of told.controls) {
      const input = figure.querySelector(`[data-control="${field}"]`)
        || figure.closest("section").querySelector(`[data-shared] [data-control="${field}"]`);
      values[field] = input.type === "range" ? input.dataset.values.split("|")[Number(input.value)] : input.value;
    }
    return values;
  }

  function fill(figure, told, rows) {
    const body = figure.querySelector(`table[data-table="${figure.id}"] tbody`);
    const made = document.createDocumentFragment();
    for (const row of rows) {
      const line = document.createElement("tr");
      told.columns.forEach(([field, kind], i) => {
        const cell = document.createElement(i === 0 ? "th" : "td");
        if (i === 0) cell.scope = "row";
        if (i > 0 && (kind === "text" || kind === "date")) cell.className = "l";
        if (!told.spec) cell.dataset.sort = row[field] ?? "";
        cell.textContent = formats[kind](row[field]);
        line.append(cell);
      });
      made.append(line);
    }
    body.replaceChildren(made);
  }

  async function draw(figure, changed) {
    if (host) await host.bring(figure, page);
    const told = page.figures[figure.id];
    const { rows, dates } = rowsOf(told.data);
    const values = chosen(figure, told);
    const filters = Object.entries({ ...told.where, ...values }).filter(([field]) => !told.sets.includes(field));
    const found = rows.filter((row) => filters.every(([field, value]) => String(row[field]) === value));
    const mine = host ? host.only(found) : found;
    const keys = told.controls.map((field) => values[field]);
    let view = told.views[keys.join("|")];
    while (!view && keys.length) { keys.pop(); view = told.views[keys.join("|")]; }
    if (view) {
      figure.querySelector(".says").textContent = view[0];
      figure.querySelector(".unit").textContent = view[1];
    }
    if (changed) fill(figure, told, told.listed.length ? mine.filter((row) => told.listed.includes(row.date)) : mine);
    const plot = figure.querySelector(".plot");
    if (!plot || !told.spec) return;
    plot.hidden = mine.length === 0;
    if (plot.hidden) return;
    plot.setAttribute("aria-label", `Chart: ${told.title}. ${view ? view[0] : ""}`);
    const spec = structuredClone(told.spec);
    const params = { ...(view ? view[2] : {}) };
    for (const field of told.sets) params[field] = values[field];
    spec.params = (spec.params || []).map((p) => (p.name in params ? { ...p, value: params[p.name] } : p));
    const utc = (row) => {
      const copy = { ...row };
      for (const field of dates) copy[field] = Date.parse(`${row[field]}T00:00:00Z`);
      return copy;
    };
    spec.datasets = { rows: mine.map(utc) };
    if (told.outline) spec.height = Math.min(spec.height, Math.round(plot.clientWidth * 0.64));
    if (told.outline) spec.datasets.states = page.states;
    const sheet = document.createElement("div"); /* hidden from screen readers: the label of the plot speaks for it */
    sheet.setAttribute("aria-hidden", "true");
    sheet.className = "sheet";
    if (plot.lastElementChild) plot.lastElementChild.replaceWith(sheet); else plot.append(sheet);
    const made = await vegaEmbed(sheet, spec, {
      mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, hover: false,
      config: page.themes[night.matches ? "dark" : "light"],
      loader: { load: () => Promise.reject(new Error("this page loads nothing")) },
      tooltip: { theme: night.matches ? "dark" : "light", disableDefaultStyle: true },
    });
    if (figure.madeView) figure.madeView.finalize();
    figure.madeView = made.view;
  }

  const figures = [...document.querySelectorAll("figure[data-figure]")];
  const safely = (figure, changed) => draw(figure, changed).catch((error) => {
    errors.push(`${figure.id}: ${error.message}`);
    console.error(figure.id, error);
  });
  async function drawAll() {
    document.documentElement.classList.toggle("night", night.matches);
    for (const figure of figures) await safely(figure, false);
    document.documentElement.dataset.drawn = String(figures.length - errors.length);
    document.documentElement.dataset.failed = errors.join("; ");
  }

  const waiting = new Set();
  function later(figure) {
    if (waiting.has(figure)) return;
    waiting.add(figure);
    requestAnimationFrame(() => { waiting.delete(figure); safely(figure, true); });
  }
  document.addEventListener("input", (event) => {
    const input = event.target;
    const field = input.dataset && input.dataset.control;
    if (!field) return;
    if (input.type === "range") {
      const label = input.dataset.labels.split("|")[Number(input.value)];
      input.setAttribute("aria-valuetext", label);
      input.nextElementSibling.textContent = label;
    }
    const own = input.closest("figure[data-figure]");
    if (own) { later(own); return; }
    for (const figure of input.closest("section").querySelectorAll("figure[data-figure]")) {
      if (page.figures[figure.id].controls.includes(field)) later(figure);
    }
  });

  function sortBy(table, button) {
    const head = button.closest("th");
    const at = [...head.parentElement.children].indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const value = (line) => {
      const cell = line.children[at];
      const text = cell.dataset.sort ?? cell.textContent;
      const number = Number(text);
      return text !== "" && !Number.isNaN(number) ? number : text;
    };
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en");
      return down ? -order : order;
    };
    body.append(...[...body.rows].sort(compare));
  }
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    table.tHead.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) sortBy(table, button);
    });
  }

  for (const bar of document.querySelectorAll("[data-filter]")) {
    const lines = [...document.getElementById(bar.dataset.filter).querySelectorAll("tbody tr")];
    const mark = bar.querySelector("[data-filter-mark]");
    const text = bar.querySelector("[data-filter-text]");
    const apply = () => {
      const words = text ? text.value.trim().toLowerCase() : "";
      let shown = 0;
      for (const line of lines) {
        const keep = (!mark || !mark.value || line.dataset.mark === mark.value)
          && (!words || line.textContent.toLowerCase().includes(words));
        line.hidden = !keep;
        shown += keep ? 1 : 0;
      }
      bar.querySelector(".count").textContent = `${human(shown)} of ${human(lines.length)}`;
    };
    bar.addEventListener("input", apply);
    apply();
  }

  let closed = [];
  window.addEventListener("beforeprint", () => {
    const found = [...document.querySelectorAll("details:not([open])")];
    for (const details of found) details.open = true;
    closed.push(...found);
  });
  window.addEventListener("afterprint", () => { for (const details of closed) details.open = false; closed = []; });
  if (host) {
    host.watch(figures, safely);
    return;
  }
  night.addEventListener("change", drawAll);
  drawAll();
})();
