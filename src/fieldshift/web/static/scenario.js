/* The page of a scenario: what is typed is kept at once, and what is wrong with it is told beside it. */
(() => {
  "use strict";
  const bench = document.getElementById("bench");
  if (!bench || bench.dataset.editable !== "yes") return;
  const root = `/cases/${bench.dataset.case}`;
  const waiting = new Map(); /* name of a field -> [its text, its entry] */
  let going = new Map(); /* what is on its way */
  const sent = new Map(); /* name of a field -> the text that was sent last */
  let timer = 0, checking = 0, busy = false;
  let turn = 0; /* counts what was sent: an answer to an older question is not shown */
  document.documentElement.classList.add("scripted");

  const wrap = (field) => field.closest(".entry, .lever");
  const textOf = (field) => field.value.replaceAll("\r\n", "\n");

  function mark(holder, text) {
    const base = holder.dataset.base ?? "";
    const changed = text !== base;
    holder.classList.toggle("changed", changed);
    const was = holder.querySelector(":scope > .was");
    if (was) was.hidden = !changed;
    const now = holder.querySelector(".now");
    if (now) now.textContent = text;
  }
  const leverText = (holder, text) => (text === "" ? holder.dataset.base : `${text} ${holder.dataset.unit}`.trim());

  function later(field, wait) {
    const holder = wrap(field);
    if (!holder || !field.name) return;
    if (!wait && !waiting.has(field.name) && sent.get(field.name) === textOf(field)) return;
    waiting.set(field.name, [textOf(field), holder]);
    mark(holder, holder.matches(".lever") ? leverText(holder, field.value) : textOf(field));
    clearTimeout(timer);
    timer = setTimeout(send, wait);
  }

  async function send() {
    if (busy || !waiting.size) return;
    busy = true;
    turn += 1;
    const batch = new Map(waiting);
    waiting.clear();
    going = batch;
    const body = new URLSearchParams({ back: location.search.slice(1) });
    for (const [name, [text]] of batch) { body.append(name, text); sent.set(name, text); }
    await post(`${root}/changes`, body, () => { for (const [name, entry] of batch) if (!waiting.has(name)) waiting.set(name, entry); });
    going = new Map();
    busy = false;
    if (waiting.size) timer = setTimeout(send, 200);
    else { clearTimeout(checking); checking = setTimeout(check, 700); }
  }

  async function post(address, body, failed) {
    try {
      const answer = await fetch(address, { method: "POST", body, headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok) { say(`Not kept (${answer.status}). Load the page again.`, true); return false; }
      swap(await answer.text());
      return true;
    } catch {
      failed?.();
      say("The desk does not answer; your changes are sent again when it does.", true);
      await new Promise((done) => setTimeout(done, 3000));
      return false;
    }
  }

  async function check() {
    if (waiting.size || busy) return;
    const asked = turn;
    try {
      const answer = await fetch(`${root}/side${location.search}`, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      const text = answer.ok ? await answer.text() : "";
      if (text && asked === turn && !waiting.size) swap(text);
    } catch { /* the next change tries again */ }
  }

  function say(words, bad) {
    const said = document.getElementById("said");
    if (said) { said.textContent = words; said.classList.toggle("wrong", Boolean(bad)); }
  }

  /* Nothing is replaced under a pressed pointer: the click would be lost. */
  let pressed = false, held = "";
  document.addEventListener("pointerdown", () => { pressed = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(() => {
    pressed = false;
    if (held) { const text = held; held = ""; swap(text); }
  }, 60), true);

  function swap(text) {
    if (pressed) { held = text; return; }
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("side");
    const old = document.getElementById("side");
    if (!fresh || !old) return;
    const note = document.getElementById("note");
    const written = note ? [note.value, document.activeElement === note] : null;
    old.replaceWith(fresh);
    const again = document.getElementById("note");
    if (written && again) { again.value = written[0]; if (written[1]) again.focus(); }
    for (const back of fresh.querySelectorAll('input[name="back"]')) back.value = location.search.slice(1);
    for (const mark of fresh.querySelector("#marks").content.children) {
      document.querySelector(`.parts-nav [data-tab="${mark.dataset.tab}"]`)?.replaceChildren(...mark.cloneNode(true).childNodes);
    }
    say(fresh.dataset.summary);
    told(fresh);
    document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  }

  /* A problem stands beside the field that it is of, or the nearest one around it. */
  function told(side) {
    const holders = new Map();
    for (const holder of bench.querySelectorAll("[data-path]")) {
      if (holder.closest("#side")) continue;
      holders.set(holder.dataset.path, holder);
      const spot = holder.querySelector(":scope > .wrong");
      if (spot) { spot.textContent = ""; spot.classList.add("soft"); }
      for (const field of holder.querySelectorAll(":scope > input, :scope > select, :scope > textarea, .pull input")) field.removeAttribute("aria-invalid");
    }
    for (const box of bench.querySelectorAll(".pull input[type=number]")) nonsense(box.closest(".lever"), box);
    for (const item of side.querySelectorAll(".problems-list li")) {
      const path = item.dataset.path;
      const holder = holders.get(path) ?? holders.get(`${path}.value`) ?? holders.get(path.replace(/\.value$/, ""));
      const spot = holder?.querySelector(":scope > .wrong");
      if (!spot || holder.querySelector(".pull input[type=number]")?.validity.badInput) continue;
      spot.textContent += (spot.textContent ? "; " : "") + item.querySelector(".what").textContent;
      if (item.dataset.level !== "error") continue;
      spot.classList.remove("soft");
      for (const field of holder.querySelectorAll(":scope > input, :scope > select, :scope > textarea, .pull input[type=number]")) field.setAttribute("aria-invalid", "true");
    }
  }

  /* A box that holds no number has an empty value: it is told, and not taken for an empty box. */
  function nonsense(lever, box) {
    const spot = lever.querySelector(":scope > .wrong"), bad = box.validity.badInput;
    if (bad) {
      waiting.delete(box.name);
      sent.delete(box.name);
      box.setAttribute("aria-invalid", "true");
      if (spot) { spot.textContent = "not a number"; spot.classList.remove("soft"); }
    } else if (spot?.textContent === "not a number") {
      box.removeAttribute("aria-invalid");
      spot.textContent = "";
    }
    return bad;
  }

  bench.addEventListener("input", (event) => {
    const field = event.target;
    const lever = field.closest(".lever");
    if (lever) {
      const slider = lever.querySelector('input[type="range"]'), box = lever.querySelector('input[type="number"]');
      if (field === box && nonsense(lever, box)) return;
      slider.classList.remove("unset");
      if (field === slider) box.value = slider.value;
      else if (box.value !== "") slider.value = box.value;
      nonsense(lever, box); /* the slider mended it */
      later(box, field === slider ? 250 : 450);
    } else if (field.closest(".entry")) later(field, 450);
  });
  bench.addEventListener("change", (event) => {
    const field = event.target;
    if (field.closest(".entry")) later(field, 0);
    else if (field.closest(".lever")) {
      const box = field.closest(".lever").querySelector('input[type="number"]');
      if (!nonsense(field.closest(".lever"), box)) later(box, 0);
    }
  });
  bench.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("#keep input:not([type=range])")) { event.preventDefault(); clearTimeout(timer); send(); }
  });
  bench.addEventListener("click", (event) => {
    const button = event.target.closest("button.undo");
    if (!button) return;
    event.preventDefault();
    const holder = wrap(button);
    const field = holder.querySelector("input[type=number], :scope > input, :scope > select, :scope > textarea");
    const base = holder.dataset.base ?? "";
    if (field) for (const kept of [waiting, going, sent]) kept.delete(field.name);
    turn += 1;
    post(`${root}/undo`, new URLSearchParams({ path: button.value, to: "base" })).then((done) => {
      if (!done) return;
      if (!field) { location.reload(); return; }
      if (holder.matches(".lever")) {
        const number = base.endsWith(holder.dataset.unit) ? base.slice(0, base.length - holder.dataset.unit.length).trim() : "";
        field.value = number !== "" && !Number.isNaN(Number(number)) ? number : "";
        if (field.value !== "") holder.querySelector('input[type="range"]').value = field.value;
        else field.placeholder = base;
      } else field.value = base;
      mark(holder, base);
      field.focus();
      clearTimeout(checking);
      checking = setTimeout(check, 700);
    });
  });
  /* A form that leaves the page waits for what was typed; what it says is taken down first, since it may be replaced. */
  document.addEventListener("submit", async (event) => {
    if (event.defaultPrevented || (!waiting.size && !busy)) return;
    event.preventDefault();
    const form = event.target, by = event.submitter;
    const parcel = document.createElement("form");
    parcel.method = form.method;
    parcel.action = by?.hasAttribute("formaction") ? by.formAction : form.action;
    parcel.hidden = true;
    for (const [name, value] of new FormData(form, by)) {
      if (form.id === "keep" && name.includes(":")) continue; /* kept already, one by one */
      const field = document.createElement("input");
      field.type = "hidden"; field.name = name; field.value = value;
      parcel.append(field);
    }
    clearTimeout(timer);
    while (waiting.size || busy) {
      await send();
      await new Promise((done) => setTimeout(done, 30));
    }
    document.body.append(parcel);
    parcel.submit();
  });
  window.addEventListener("pagehide", () => {
    const last = new Map([...going, ...waiting]); /* a window that closes takes down what was on its way */
    if (!last.size) return;
    const bodyOf = (fields) => new URLSearchParams([...fields].map(([name, [text]]) => [name, text]));
    let body = bodyOf(last);
    if (body.toString().length > 60000) body = bodyOf(waiting); /* a browser sends little after a page */
    fetch(`${root}/changes`, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => {});
  });
  const side = document.getElementById("side");
  if (side) { told(side); if (side.dataset.complete !== "yes") checking = setTimeout(check, 300); }
})();
