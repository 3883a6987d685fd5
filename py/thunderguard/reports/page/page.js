"use strict";
(() => {
  const CHUNK = 80;
  const MOST_KEYS = 4;
  const WEIGHT = { deny: 0, warn: 1, info: 2 };
  const NONE = "(none)";
  const FIELDS = ["rule", "namespace", "service", "status"];

  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const findings = data.findings;
  const table = document.querySelector("table.findings");
  const rowTemplate = $("row").content.firstElementChild;

  findings.forEach((finding, place) => {
    finding.place = finding.place || "";
    finding.order = place;
    finding.namespace = finding.namespace || NONE;
    finding.object = finding.kind + "/" + finding.name;
    finding.owner = finding.namespace + "/" + finding.object;
    finding.hay = [
      finding.level, finding.rule, finding.owner, finding.services.join(" "), finding.message, finding.path,
      finding.place, finding.remedy, ...(finding.origin ? [finding.origin.place, ...finding.origin.keys] : []),
      finding.fingerprint, finding.status, data.rules[finding.rule].title,
    ].join("\n").toLowerCase();
  });

  // ---- what is asked for

  const nothing = () => ({ q: "", level: new Set(), rule: "", namespace: "", service: "", status: "", step: 0, group: "rule" });
  let wanted = nothing();
  let items = [];
  let found = [];
  let first = 0;
  let last = 0;
  let target = null;
  const closed = new Set();
  const opened = new Set();

  function parse(fragment) {
    const asked = new URLSearchParams(fragment);
    const state = nothing();
    state.q = asked.get("q") || "";
    for (const level of (asked.get("level") || "").split(",")) if (level in WEIGHT) state.level.add(level);
    for (const field of FIELDS) state[field] = asked.get(field) || "";
    state.step = Number(asked.get("step")) || 0;
    if (!data.steps[state.step - 1]) state.step = 0;
    if (["rule", "namespace", "owner"].includes(asked.get("group"))) state.group = asked.get("group");
    return state;
  }

  function fragment() {
    const asked = new URLSearchParams();
    if (wanted.q) asked.set("q", wanted.q);
    if (wanted.level.size) asked.set("level", [...wanted.level].join(","));
    for (const field of FIELDS) if (wanted[field]) asked.set(field, wanted[field]);
    if (wanted.step) asked.set("step", String(wanted.step));
    if (wanted.group !== "rule") asked.set("group", wanted.group);
    return asked.toString();
  }

  function remember(text) {
    try {
      history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
    } catch {
      // A page inside another document may have no address of its own; it works without one.
    }
  }

  function matching() {
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    const step = wanted.step ? new Set(data.steps[wanted.step - 1]) : null;
    return findings.filter(
      (one) =>
        (!wanted.level.size || wanted.level.has(one.level)) &&
        (!wanted.rule || one.rule === wanted.rule) &&
        (!wanted.namespace || one.namespace === wanted.namespace) &&
        (!wanted.service || (wanted.service === NONE ? !one.services.length : one.services.includes(wanted.service))) &&
        (!wanted.status || one.status === wanted.status) &&
        (!step || step.has(one.fingerprint)) &&
        words.every((word) => one.hay.includes(word)),
    );
  }

  // ---- what is shown

  function arrange() {
    found = matching();
    const groups = new Map();
    for (const finding of found) {
      const key = finding[wanted.group];
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(finding);
    }
    const heaviest = (group) => group.reduce((least, one) => Math.min(least, WEIGHT[one.level]), 2);
    const keys = [...groups.keys()];
    const byName = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    if (wanted.group === "rule") {
      const weights = new Map(keys.map((key) => [key, heaviest(groups.get(key))]));
      keys.sort((a, b) => weights.get(a) - weights.get(b) || byName(a, b));
    } else {
      keys.sort(byName);
    }
    items = [];
    for (const key of keys) {
      const members = groups.get(key);
      const shut = closed.has(wanted.group + " " + key);
      items.push({ key, members, shut });
      if (shut) continue;
      members.sort((a, b) => byName(a.namespace, b.namespace) || a.order - b.order);
      for (const finding of members) items.push({ finding });
    }
  }

  function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function groupRow(item) {
    const chevron = rowTemplate.querySelector(".chevron").cloneNode(true);
    const size = item.members.length === 1 ? "1 finding" : item.members.length + " findings";
    const rule = wanted.group === "rule" ? data.rules[item.key] : null;
    const button = make("button", { type: "button" }, chevron, make("span", { className: "mono" }, item.key));
    button.setAttribute("aria-expanded", String(!item.shut));
    if (rule) button.append(make("span", { className: "title" }, rule.title));
    button.append(make("span", { className: "size" }, size));
    button.addEventListener("click", () => {
      const key = wanted.group + " " + item.key;
      if (!closed.delete(key)) closed.add(key);
      show({ keep: true });
      table.querySelectorAll(".group button").forEach((one) => one.dataset.key === item.key && one.focus());
    });
    button.dataset.key = item.key;
    const head = make("th", { colSpan: 3, scope: "rowgroup" }, button);
    head.setAttribute("role", "rowheader");
    const row = make("tr", { className: "group" }, head);
    row.setAttribute("role", "row");
    return row;
  }

  function findingRow(finding) {
    const row = rowTemplate.cloneNode(true);
    const part = (name) => row.querySelector(name);
    row.id = "f-" + finding.fingerprint;
    row.finding = finding;
    part(".level").textContent = finding.level;
    part(".level").classList.add(finding.level);
    part(".open").append(make("span", { className: "hidden" }, finding.rule + ", " + finding.object));
    part(".object").textContent = finding.object;
    part(".where").textContent = finding.namespace === NONE ? "no namespace" : finding.namespace;
    for (const service of finding.services) part(".tags").append(make("span", { className: "tag" }, service), " ");
    if (finding.status !== "open") {
      part(".tags").append(make("span", { className: "tag " + finding.status }, finding.status));
    }
    part(".message").textContent = finding.message;
    if (wanted.group !== "rule") part(".trace").append(make("span", {}, finding.rule));
    const keys = finding.origin ? finding.origin.keys.slice(0, MOST_KEYS).join(", ") : "";
    for (const text of [finding.path, finding.place, keys && "values: " + keys]) {
      if (text) part(".trace").append(make("span", {}, text));
    }
    if (finding.remedy) {
      const rest = finding.remedy.slice(finding.command.length);
      if (finding.command) part("code").textContent = finding.command;
      else part("code").remove();
      if (rest) part(".command > span").textContent = finding.command ? rest.replace(/^[,;] */, "") : rest;
      else part(".command > span").remove();
      part(".copy").setAttribute("aria-label", "Copy " + copied(finding));
      part(".copy").dataset.copy = copied(finding);
    } else {
      part(".command").remove();
    }
    if (finding === target) row.classList.add("target");
    if (opened.has(finding)) open(row, true);
    return row;
  }

  const copied = (finding) => finding.command || finding.remedy;

  function copyable(words, name) {
    const button = make("button", { type: "button", className: "copy", "aria-label": "Copy " + name }, "Copy");
    button.dataset.copy = words;
    return make("div", { className: "command" }, make("code", {}, words), button);
  }

  function open(row, wide) {
    const details = row.querySelector(".details");
    const finding = row.finding;
    row.querySelector(".open").setAttribute("aria-expanded", String(wide));
    details.hidden = !wide;
    if (wide) opened.add(finding);
    else opened.delete(finding);
    if (!wide || details.childElementCount) return;
    const rule = data.rules[finding.rule];
    const add = (name, value) => value && details.append(make("dt", {}, name), make("dd", {}, value));
    add("rule", make("a", { href: "#" + new URLSearchParams({ rule: finding.rule }) }, finding.rule));
    add("why", rule.why || rule.title);
    add("object", finding.apiVersion + " " + (finding.namespace === NONE ? finding.object : finding.owner));
    add("waived", finding.waiver);
    const origin = finding.origin;
    if (origin) {
      add("template", origin.place);
      add("decided by", origin.keys.join(", ") || (origin.option ? "the release" : "no values key that is known"));
      add("install with", origin.option && copyable(origin.option, "the option"));
      add("new values", origin.patch && copyable(origin.patch, "the values"));
      add("put into", origin.into);
      add("note", origin.note);
    }
    add("link", make("a", { href: "#f-" + encodeURIComponent(finding.fingerprint) }, "#f-" + finding.fingerprint));
  }

  function rows(from, to) {
    const bodies = [];
    for (const item of items.slice(from, to)) {
      if (item.members || !bodies.length) {
        bodies.push(document.createElement("tbody"));
        bodies.at(-1).setAttribute("role", "rowgroup");
      }
      bodies.at(-1).append(item.members ? groupRow(item) : findingRow(item.finding));
    }
    return bodies;
  }

  function later() {
    const next = Math.min(items.length, last + CHUNK);
    table.append(...rows(last, next));
    last = next;
    more();
  }

  function earlier() {
    const before = Math.max(0, first - CHUNK);
    const height = document.documentElement.scrollHeight;
    table.tHead.after(...rows(before, first));
    first = before;
    more();
    window.scrollBy({ top: document.documentElement.scrollHeight - height, behavior: "instant" });
  }

  function more() {
    $("earlier").hidden = first === 0;
    $("earlier").textContent = "Show earlier findings";
    $("later").hidden = last === items.length;
    $("later").textContent = "Show more findings";
  }

  /** Fill the table: from its beginning, or round the item with the number `at`; `keep` shows as much as before. */
  function show({ at = 0, keep = false } = {}) {
    const shown = keep ? Math.max(CHUNK, last - first) : CHUNK;
    const from = keep ? first : at;
    arrange();
    first = Math.max(0, Math.min(from, items.length - shown));
    last = Math.min(items.length, first + shown);
    for (const body of [...table.tBodies]) body.remove();
    table.append(...rows(first, last));
    more();
    $("nothing").hidden = found.length > 0;
    table.hidden = found.length === 0;
    const all = findings.length === 1 ? "1 finding" : findings.length + " findings";
    $("count").textContent = found.length === findings.length ? all : found.length + " of " + all;
    $("step-note").hidden = !wanted.step;
    if (wanted.step) $("step-note").textContent = "Only what step " + wanted.step + " of the plan resolves is shown.";
  }

  function fill(select, name, values) {
    const counts = new Map();
    for (const finding of findings) for (const value of values(finding)) counts.set(value, (counts.get(value) || 0) + 1);
    const options = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
    select.append(new Option(name, ""), ...options.map(([value, count]) => new Option(value + " (" + count + ")", value)));
    return options.length;
  }

  function state() {
    $("q").value = wanted.q;
    for (const field of FIELDS) {
      const select = $(field);
      select.value = wanted[field];
      // A link may name what no finding has; the filter says so rather than look as if it were off.
      if (select.selectedIndex < 0) {
        select.append(new Option(wanted[field] + " (0)", wanted[field]));
        select.value = wanted[field];
      }
    }
    $("group").value = wanted.group;
    for (const box of document.querySelectorAll("input[name=level]")) box.checked = wanted.level.has(box.value);
  }

  function changed() {
    target = null;
    wanted.q = $("q").value;
    wanted.level = new Set([...document.querySelectorAll("input[name=level]:checked")].map((box) => box.value));
    for (const field of FIELDS) wanted[field] = $(field).value;
    wanted.group = $("group").value;
    remember(fragment());
    show();
  }

  // ---- links

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  /** Follow the address: a finding, filters, or a part of the page (which the browser itself scrolls to). */
  function follow() {
    const asked = location.hash.slice(1);
    if (asked.startsWith("f-")) return reveal(decoded(asked.slice(2)));
    if (!asked.includes("=")) return show({ keep: true });
    target = null;
    wanted = parse(asked);
    state();
    show();
    $("findings").scrollIntoView();
    return $("findings").focus({ preventScroll: true });
  }

  function reveal(fingerprint) {
    const finding = findings.find((one) => one.fingerprint === fingerprint);
    if (!finding) {
      show();
      return say("No finding of this report has the fingerprint " + fingerprint);
    }
    target = finding;
    opened.add(finding);
    arrange();
    if (!found.includes(finding)) {
      wanted = { ...nothing(), group: wanted.group };
      state();
    }
    closed.delete(wanted.group + " " + finding[wanted.group]);
    arrange();
    const place = items.findIndex((item) => item.finding === finding);
    show({ at: Math.max(0, place - 20) });
    const row = rowOf(finding);
    row.scrollIntoView({ block: "center" });
    return row.querySelector(".open").focus({ preventScroll: true });
  }

  const rowOf = (finding) => [...table.querySelectorAll("tr.finding")].find((row) => row.finding === finding);

  // ---- copying and keys

  let silence = 0;
  function say(words) {
    $("said").textContent = words;
    clearTimeout(silence);
    silence = setTimeout(() => ($("said").textContent = ""), 4000);
  }

  async function copy(text, button) {
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      // A browser may refuse the clipboard to a file; this way it is asked as if a person had pressed the keys.
      const area = make("textarea", { value: text, className: "hidden" });
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
      if (button) button.focus();
    }
    say(done ? "Copied: " + text : "The browser does not allow copying");
    if (!button || !done) return;
    button.classList.add("done");
    button.textContent = "Copied";
    setTimeout(() => {
      button.classList.remove("done");
      button.textContent = "Copy";
    }, 1600);
  }

  function move(step) {
    const stops = [...table.querySelectorAll("tr.finding .open")];
    const row = document.activeElement.closest("tr.finding");
    const here = row ? stops.indexOf(row.querySelector(".open")) : -1;
    if (step > 0 && here === stops.length - 1 && last < items.length) {
      later();
      return move(step);
    }
    if (step < 0 && here === 0 && first > 0) {
      earlier();
      return move(step);
    }
    if (step < 0 && here <= 0) return $("q").focus();
    const next = stops[Math.min(stops.length - 1, here + step)];
    if (!next) return undefined;
    next.focus({ preventScroll: true });
    return next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target;
    const typing = inside.matches("input[type=search], select, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      $("q").focus();
      $("q").select();
    } else if (event.key === "Escape" && inside === $("q")) {
      if ($("q").value) {
        $("q").value = "";
        changed();
      } else {
        $("q").blur();
      }
    } else if (event.key === "ArrowDown" && (inside === $("q") || inside.closest("#list") || inside === $("findings"))) {
      event.preventDefault();
      move(1);
    } else if (event.key === "ArrowUp" && inside.closest("#list")) {
      event.preventDefault();
      move(-1);
    } else if (event.key === "c" && !typing && inside.closest("tr.finding")) {
      const row = inside.closest("tr.finding");
      if (row.finding.remedy) copy(copied(row.finding), row.querySelector(".copy"));
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) copy(button.dataset.copy, button);
    const toggle = event.target.closest(".open");
    if (toggle) open(toggle.closest("tr"), toggle.getAttribute("aria-expanded") !== "true");
  });

  // A link to where the page already is changes no address, but is followed all the same.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash && link.hash.includes("=")) follow();
  });

  // ---- beginning

  fill($("rule"), "all rules", (one) => [one.rule]);
  fill($("namespace"), "all namespaces", (one) => [one.namespace]);
  fill($("service"), "all services", (one) => (one.services.length ? one.services : [NONE]));
  $("status-label").hidden = fill($("status"), "any status", (one) => [one.status]) < 2;
  $("filters").hidden = false;
  $("list").hidden = false;
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("input", changed);
  $("clear").addEventListener("click", () => {
    wanted = { ...nothing(), group: wanted.group };
    state();
    changed();
    $("q").focus();
  });
  $("later").addEventListener("click", later);
  $("earlier").addEventListener("click", earlier);
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && !$("later").hidden && later(), {
    rootMargin: "600px",
  }).observe($("later"));

  // Paper shows all there is.
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = [first, last];
    table.tHead.after(...rows(0, first));
    table.append(...rows(last, items.length));
    [first, last] = [0, items.length];
    more();
  });
  window.addEventListener("afterprint", () => {
    if (before) {
      [first, last] = before;
      show({ keep: true });
    }
    before = null;
  });

  window.addEventListener("hashchange", follow);
  wanted = parse(location.hash.slice(1));
  state();
  if (location.hash.length > 1) follow();
  else show();
})();
