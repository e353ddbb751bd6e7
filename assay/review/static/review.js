/* The keys of the review, and the queue of what is not saved yet.

   Every change goes into a queue in this browser first, under an id of its own; it leaves the queue
   when the server has answered. Sent twice, it is written once. So a closed tab, a lost connection
   or a server that was killed loses nothing. */
"use strict";
(() => {
  const QUEUE = "assay-review-queue";
  const RETRY = 2000;
  const $ = (id) => document.getElementById(id);
  let state = null;
  let opened = performance.now();
  let typing = 0;
  let sending = false;
  let lost = "";
  let moving = false;

  // The queue.

  const queue = () => JSON.parse(localStorage.getItem(QUEUE) || "[]");
  const keep = (entries) => localStorage.setItem(QUEUE, JSON.stringify(entries));
  const same = (one, other) =>
    one.question === other.question && one.round === other.round && one.answer === other.answer
    && one.marker === other.marker;
  const mine = () => queue().filter((one) => one.marker === marker());
  const marker = () => document.querySelector(".who b")?.textContent || "";

  function put() {
    const entry = {
      save: crypto.randomUUID(), question: state.question, round: state.round,
      answer: state.answer, digest: state.digest, content: structuredClone(state.content),
      seen: state.seen, seconds: (performance.now() - opened) / 1000, marker: marker(),
    };
    try {
      keep([...queue(), entry]);
    } catch {
      return say("Not saved: this browser keeps nothing for pages, so a lost connection would lose it", "waits");
    }
    show();
    send();
  }

  async function post(path, body) {
    return fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]").content },
      body: JSON.stringify(body),
    });
  }

  async function send() {
    if (sending) return;
    sending = true;
    try {
      // One tab sends at a time: all tabs of this browser share the queue.
      await navigator.locks.request(QUEUE, async () => {
        for (let entry = mine()[0]; entry; entry = mine()[0]) {
          const { marker: _, ...body } = entry;
          const answer = await post("/save", body);
          if (answer.ok) receipt(entry, await answer.json());
          else if (answer.status === 409) conflict(entry, await answer.json());
          else if (answer.status === 401 || answer.status === 403) {
            throw new Error("the session has ended: open a new link of `assay review` in this browser");
          } else if (answer.status === 400 || answer.status === 404 || answer.status === 413) {
            conflict(entry, await answer.json().catch(() => ({ what: "the server did not take it" })));
          } else throw new Error("the server has a fault");
        }
      });
      lost = "";
    } catch (error) {
      lost = error instanceof TypeError ? "no connection" : error.message;
      setTimeout(send, RETRY);
    } finally {
      sending = false;
      sign();
    }
    if (!lost && mine().length) send();
  }

  function receipt(entry, found) {
    keep(queue().filter((one) => one.save !== entry.save)
      .map((one) => (same(one, entry) ? { ...one, seen: found.seen } : one)));
    if (!state || !same({ ...state, marker: marker() }, entry)) return sign();
    state.seen = found.seen;
    state.by = found.by;
    if (!mine().some((one) => same(one, entry))) {
      const points = found.points === null ? "mark withdrawn" : `${number(found.points)} of ${number(state.points)}`;
      say(`Saved: ${points}, ${new Date(found.at).toLocaleTimeString()}`, "saved");
    }
    sign();
  }

  function conflict(entry, found) {
    const all = queue();
    const last = all.filter((one) => same(one, entry)).pop();
    keep(all.filter((one) => !same(one, entry)));
    localStorage.setItem(`${QUEUE}-conflict`, JSON.stringify({ ...last, what: found.what, found: found.found }));
    openConflict();
    sign();
  }

  function openConflict() {
    const kept = JSON.parse(localStorage.getItem(`${QUEUE}-conflict`) || "null");
    const here = kept && state && same(kept, { ...state, marker: marker() });
    if ($("conflict")) $("conflict").hidden = !here;
    if (here) {
      $("conflict-said").textContent =
        `Not saved: ${kept.what} (${kept.found || ""}). Yours: ${sum(kept.content)} of ${number(state.points)}.`;
      say("Not saved", "waits");
      $("keep-theirs").focus();
    }
  }

  function sign() {
    const waiting = mine().length;
    const kept = JSON.parse(localStorage.getItem(`${QUEUE}-conflict`) || "null");
    const here = kept && state && same(kept, { ...state, marker: marker() });
    let text = "";
    if (lost && waiting) text = `Not saved: ${lost}. ${waiting} kept in this browser, sent again by itself.`;
    else if (lost) text = `The server does not answer: ${lost}.`;
    else if (kept && !here) text = "One mark met another marker's: ";
    $("sign").textContent = text;
    if (!lost && kept && !here) {
      const link = document.createElement("a");
      link.href = `/q/${kept.question}/${kept.round}/${kept.answer}`;
      link.textContent = "look";
      $("sign").append(link);
    }
    if (waiting && state && mine().some((one) => same(one, { ...state, marker: marker() }))) {
      say(lost ? "Kept in this browser, not saved yet" : "Saving …", lost ? "waits" : "");
    }
  }

  // What is shown.

  const number = (text) => String(Number(text));
  const level = (key) => state.items.find((one) => one.key === key)?.level;

  function sum(content) {
    if (!content.items.length && !content.none) return "–";
    const total = content.items.reduce(
      (all, key) => all + Number(state.items.find((one) => one.key === key)?.points || 0), 0);
    return String(Math.round(Math.min(Math.max(total, 0), Number(state.points)) * 10000) / 10000);
  }

  function say(text, kind) {
    if ($("receipt").textContent !== text) $("receipt").textContent = text;
    $("receipt").className = `receipt ${kind}`;
  }

  function show() {
    if (!state) return;
    const content = state.content;
    for (const one of document.querySelectorAll("[data-item]")) {
      one.setAttribute("aria-pressed", content.items.includes(one.dataset.item));
    }
    for (const one of document.querySelectorAll("[data-comment]")) {
      one.setAttribute("aria-pressed", content.comments.includes(one.dataset.comment));
    }
    $("none").setAttribute("aria-pressed", content.none);
    $("flag").setAttribute("aria-pressed", content.flag);
    $("flagged").hidden = !content.flag;
    $("points").textContent = sum(content);
    const done = state.done + (content.items.length || content.none ? 1 : 0);
    $("done").textContent = done;
    $("progress").value = done;
    if ($("comment") !== document.activeElement) $("comment").value = content.comment;
  }

  // What the keys do.

  function toggle(list, key) {
    return list.includes(key) ? list.filter((one) => one !== key) : [...list, key];
  }

  function item(key) {
    const content = state.content;
    const others = level(key) ? content.items.filter((one) => one === key || !level(one)) : content.items;
    content.items = toggle(others, key);
    content.none = false;
    put();
  }

  function none() {
    state.content.none = !state.content.none;
    state.content.items = [];
    put();
  }

  function flag() {
    state.content.flag = !state.content.flag;
    put();
  }

  function typed() {
    clearTimeout(typing);
    typing = 0;
    if (!state || $("comment").value === state.content.comment) return;
    state.content.comment = $("comment").value;
    put();
  }

  async function undo() {
    if (mine().length) return say("Wait until all is saved, then undo", "waits");
    const save = crypto.randomUUID();
    const at = state;
    let answer;
    try {
      answer = await post("/undo", { question: at.question, round: at.round, save });
    } catch {
      return say("No connection: nothing was taken back", "waits");
    }
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) return say(found.what || "Nothing was taken back", "waits");
    if (!found.answer) return say("There is nothing of yours to take back", "");
    if (found.answer !== at.answer) return go(`/q/${at.question}/${at.round}/${found.answer}`);
    state.content = found.content;
    state.seen = found.seen;
    show();
    say(`Taken back: ${found.points === null ? "not marked" : `${number(found.points)} of ${number(state.points)}`}`, "saved");
  }

  async function reveal() {
    try {
      const answer = await post("/reveal", { question: state.question, round: state.round, answer: state.answer });
      if (answer.ok) $("name").textContent = `${(await answer.json()).name} (logged)`;
    } catch { say("No connection", "waits"); }
  }

  async function bank(text, key, version) {
    let answer;
    try {
      answer = await post("/bank", { question: state.question, text, key: key || "-", version: version || 0 });
    } catch {
      say("No connection: the bank is as it was", "waits");
      return null;
    }
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    say(found.what || "The bank is as it was", "waits");
    return null;
  }

  async function keepInBank() {
    typed();
    const text = $("comment").value.trim();
    if (!text) return say("There is no comment to keep", "");
    const known = [...document.querySelectorAll("[data-comment]")].find((one) => one.dataset.text === text);
    const found = known ? { key: known.dataset.comment } : await bank(text);
    if (!found) return;
    if (!known) addToBank(found);
    state.content.comments = [...new Set([...state.content.comments, found.key])];
    state.content.comment = "";
    $("comment").value = "";
    put();
  }

  function addToBank(found) {
    $("no-bank")?.remove();
    const row = document.createElement("div");
    row.className = "banked";
    const button = (text, data, kind) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = kind;
      Object.assign(made.dataset, data);
      made.textContent = text;
      row.append(made);
      return made;
    };
    const chosen = button("", { comment: found.key, version: found.version, text: found.text }, "item");
    const words = document.createElement("span");
    words.className = "text";
    words.textContent = found.text;
    chosen.append(words);
    button("change all", { everywhere: found.key }, "small").setAttribute("aria-label", `Change everywhere: ${found.text}`);
    button("only here", { here: found.key }, "small").setAttribute("aria-label", `Change only here: ${found.text}`);
    $("bank").append(row);
  }

  const banked = (key) => document.querySelector(`[data-comment="${CSS.escape(key)}"]`);

  async function everywhere(key) {
    const one = banked(key);
    const text = $("comment").value.trim();
    if (!text || text === one.dataset.text) {
      $("comment").value = one.dataset.text;
      $("comment").focus();
      return say("Change the text in the comment, then press “change all” again", "");
    }
    const found = await bank(text, key, Number(one.dataset.version));
    if (!found) return;
    one.dataset.text = found.text;
    one.dataset.version = found.version;
    one.querySelector(".text").textContent = found.text;
    $("comment").value = state.content.comment = "";
    clearTimeout(typing);
    put();
    say("Changed for every answer that has it", "saved");
  }

  function here(key) {
    state.content.comments = state.content.comments.filter((one) => one !== key);
    state.content.comment = [banked(key).dataset.text, $("comment").value].filter(Boolean).join("\n");
    $("comment").value = state.content.comment;
    $("comment").focus();
    put();
  }

  function go(path) {
    if (state) typed();
    moving = true;
    location.assign(path);
  }

  function follow(id) {
    typed();
    if ($(id)) {
      moving = true;  // a key that is pressed now is for an answer that nobody has seen yet
      $(id).click();
    } else say(id === "previous" ? "This is the first answer" : "This is the last answer", "");
  }

  const KEYS = {
    j: () => follow("next"), k: () => follow("previous"), n: () => follow("next-open"),
    c: () => $("comment").focus(), u: undo, f: flag, r: reveal,
    b: () => document.querySelector("#bank button")?.focus(),
    o: () => { $("notebook").open = !$("notebook").open; if ($("notebook").open) $("notebook").scrollIntoView(); },
    "/": () => $("words").focus(), "?": () => $("keys").showModal(), 0: none,
  };

  function pressed(event) {
    if (!state || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inside = event.target;
    const writes = /^(INPUT|TEXTAREA|SELECT)$/.test(inside.tagName || "");
    if (event.key === "Escape" && writes) {
      typed();
      inside.blur();
      if (inside.id === "words") inside.value = $("found").textContent = "";
      return;
    }
    if (writes || $("keys").open) return;
    if (moving) return event.preventDefault();
    const digit = /^[1-9]$/.test(event.key) && document.querySelectorAll("[data-item]")[Number(event.key) - 1];
    const does = digit ? () => item(digit.dataset.item) : KEYS[event.key];
    if (!does || event.repeat) return;
    event.preventDefault();
    does();
  }

  function clicked(event) {
    const one = event.target.closest("button, a");
    if (!one || !state || (moving && one.tagName === "BUTTON")) return;
    if (one.closest("nav") && !(event.ctrlKey || event.metaKey || event.shiftKey)) moving = true;
    if (one.dataset.item) item(one.dataset.item);
    else if (one.dataset.comment) { state.content.comments = toggle(state.content.comments, one.dataset.comment); put(); }
    else if (one.dataset.everywhere) everywhere(one.dataset.everywhere);
    else if (one.dataset.here) here(one.dataset.here);
    else ({ none, flag, undo, reveal, keep: keepInBank, help: KEYS["?"], "keep-theirs": theirs, "put-mine": above })[one.id]?.();
  }

  function theirs() {
    localStorage.removeItem(`${QUEUE}-conflict`);
    location.reload();
  }

  async function above() {
    const kept = JSON.parse(localStorage.getItem(`${QUEUE}-conflict`));
    const answer = await fetch(location.pathname).catch(() => null);
    if (!answer || !answer.ok) return say("No connection", "waits");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = JSON.parse(page.getElementById("main").dataset.state);
    localStorage.removeItem(`${QUEUE}-conflict`);
    $("conflict").hidden = true;
    state.seen = now.seen;
    state.digest = now.digest;
    state.content = kept.content;
    put();
  }

  // Frames are as high as what stands in them, and keys work in them too: nothing runs inside.

  function framed(frame) {
    const inside = frame.contentDocument;
    if (!inside || !inside.body) return;
    inside.addEventListener("keydown", pressed);
    if (frame.id !== "answer") return;
    const fit = () => { frame.style.height = `${inside.documentElement.getBoundingClientRect().height + 8}px`; };
    fit();
    new ResizeObserver(fit).observe(inside.body);
  }

  function load() {
    const main = $("main");
    state = main.dataset.state ? JSON.parse(main.dataset.state) : null;
    opened = performance.now();
    moving = false;
    if (main.querySelector("[data-go]")) return location.replace("/");
    if (!state) return send();
    const waiting = mine().filter((one) => same(one, { ...state, marker: marker() })).pop();
    if (waiting) {
      state.content = waiting.content;
      state.seen = waiting.seen;
    }
    document.title = `${$("where").textContent} · ${document.querySelector(".bar h1").textContent}`;
    for (const frame of document.querySelectorAll("iframe")) {
      frame.addEventListener("load", () => framed(frame));
      framed(frame);
    }
    $("comment").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(typed, 700); });
    $("comment").addEventListener("blur", typed);
    $("notebook").addEventListener("toggle", () => {
      const frame = $("notebook").querySelector("iframe");
      if ($("notebook").open && !frame.src) frame.src = frame.dataset.src;
    });
    show();
    openConflict();
    sign();
    send();
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("htmx:beforeRequest", () => { if (state && $("comment")) typed(); });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "main" || event.target.id === "main") load(); });
  const stuck = (why) => { moving = false; lost = why; sign(); };
  document.addEventListener("htmx:sendError", () => stuck("no connection"));
  document.addEventListener("htmx:responseError", (event) => stuck(
    event.detail.xhr.status === 401 ? "the session has ended, open a new link of `assay review`" : "it has a fault"));
  window.addEventListener("online", send);
  window.addEventListener("pagehide", () => { if (state && $("comment")) typed(); });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", load);
  else load();
})();
