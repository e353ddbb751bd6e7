/* The keys of the review, and the queue of what is not saved yet.

   Every change goes into a queue in this browser first, under an id of its own; it leaves the queue
   when the server has answered. Sent twice, it is written once. So a closed tab, a lost connection
   or a server that was killed loses nothing. What the server refused is kept until it is looked at.

   `state` is the answer that is shown. Whoever waits for the server looks afterwards whether it is
   still the same: somebody may have gone on meanwhile. */
"use strict";
(() => {
  // Another class may be served at the same address later: each has a queue of its own.
  const QUEUE = `assay-review-queue-${document.querySelector("meta[name=queue]").content}`;
  const RETRY = 2000;
  const $ = (id) => document.getElementById(id);
  let state = null;
  let box = null;  // the comment of that answer: while a page is exchanged there are two
  let opened = performance.now();
  let typing = 0;
  let sending = false;
  let sent = Promise.resolve();
  let lost = "";
  let moving = false;
  let choosing = false;  // after `b`: the next digit is a comment's

  // The queue.

  const queue = () => JSON.parse(localStorage.getItem(QUEUE) || "[]");
  const keep = (entries) => localStorage.setItem(QUEUE, JSON.stringify(entries));
  const same = (one, other) =>
    one.question === other.question && one.round === other.round && one.answer === other.answer
    && one.marker === other.marker;
  const mine = () => queue().filter((one) => one.marker === marker());
  const shown = () => ({ ...state, marker: marker() });
  const marker = () => document.querySelector(".who b")?.textContent || "";

  function put() {
    const entry = {
      save: crypto.randomUUID(), question: state.question, round: state.round,
      answer: state.answer, digest: state.digest, content: structuredClone(state.content),
      seen: state.seen, seconds: (performance.now() - opened) / 1000, marker: marker(), said: said(),
    };
    try {
      keep([...queue(), entry]);
    } catch {
      say("Not saved: this browser keeps nothing for pages, so a lost connection would lose it", "waits");
      return false;
    }
    show();
    send();
    return true;
  }

  // In words, for the day on which the answer is not there any more.
  function said() {
    const content = state.content;
    const chosen = content.items.map((key) => `[data-item="${CSS.escape(key)}"]`)
      .concat(content.comments.map((key) => `[data-comment="${CSS.escape(key)}"]`))
      .map((one) => document.querySelector(`${one} .text`)?.textContent.trim());
    const title = document.querySelector(".bar h1").textContent;
    return `${title}: ${[`${sum(content)} of ${number(state.points)}`, ...chosen, content.comment].filter(Boolean).join("; ")}`;
  }

  async function post(path, body) {
    return fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]").content },
      body: JSON.stringify(body),
    });
  }

  function send() {
    if (!sending) sent = deliver();
    return sent;
  }

  async function deliver() {
    sending = true;
    try {
      // One tab sends at a time: all tabs of this browser share the queue.
      await navigator.locks.request(QUEUE, async () => {
        for (let entry = mine()[0]; entry; entry = mine()[0]) {
          const { marker: _, said: __, ...body } = entry;
          const answer = await post("/save", body);
          if (answer.ok) receipt(entry, await answer.json());
          else if (answer.status === 409) conflict(entry, await answer.json());
          else if (answer.status === 401 || answer.status === 403) {
            throw new Error("the session has ended: open a new link of `assay review` in this browser");
          } else if (answer.status === 400 || answer.status === 404 || answer.status === 413) {
            const found = await answer.json().catch(() => ({ what: "the server did not take it" }));
            conflict(entry, { ...found, gone: answer.status === 404 });
          } else {
            const found = await answer.json().catch(() => ({}));
            throw new Error(`the server has a fault${found.what ? `: ${found.what} ${found.found || ""}` : ""}`);
          }
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

  // A page that is asked for before its mark has arrived would count it as not marked; what takes
  // longer than a second is sent from the next page.
  async function arrived() {
    const late = new Promise((resolve) => setTimeout(resolve, 1000, false));
    const isSent = () => send().then(() => true);
    while (mine().length && !lost && await Promise.race([isSent(), late]));
  }

  function receipt(entry, found) {
    keep(queue().filter((one) => one.save !== entry.save)
      .map((one) => (same(one, entry) ? { ...one, seen: found.seen } : one)));
    if (!state || !same(shown(), entry)) return sign();
    state.seen = found.seen;
    state.by = found.by;
    if (!mine().some((one) => same(one, entry))) {
      const points = found.points === null ? "mark withdrawn" : `${number(found.points)} of ${number(state.points)}`;
      say(`Saved: ${points}, ${new Date(found.at).toLocaleTimeString()}`, "saved");
    }
    sign();
  }

  // What the server refused: the last save of each answer.

  const refused = () => JSON.parse(localStorage.getItem(`${QUEUE}-refused`) || "[]");
  const keepRefused = (entries) => localStorage.setItem(`${QUEUE}-refused`, JSON.stringify(entries));
  const refusedHere = () => state && refused().find((one) => same(one, shown()));

  function conflict(entry, { what, found, gone }) {
    const all = queue();
    const last = all.filter((one) => same(one, entry)).pop();
    keepRefused([...refused().filter((one) => !same(one, entry)), { ...last, what, found, gone }]);
    keep(all.filter((one) => !same(one, entry)));
    openConflict();
    sign();
  }

  function dismiss(entry) {
    keepRefused(refused().filter((one) => !same(one, entry)));
    sign();
  }

  function openConflict() {
    const kept = refusedHere();
    if ($("conflict")) $("conflict").hidden = !kept;
    if (!kept) return;
    const changed = kept.digest !== state.digest;
    $("conflict-said").textContent = changed
      ? `Not saved: the answer has changed since. Read it, and mark it again. Yours was ${kept.said}`
      : `Not saved: ${kept.what} (${kept.found || ""}). Yours: ${sum(kept.content)} of ${number(state.points)}.`;
    $("put-mine").hidden = changed;
    say("Not saved", "waits");
    $("keep-theirs").focus();
  }

  function sign() {
    const waiting = mine().length;
    let text = "";
    if (lost && waiting) text = `Not saved: ${lost}. ${waiting} kept in this browser, sent again by itself.`;
    else if (lost) text = `The server does not answer: ${lost}.`;
    $("sign").textContent = text;
    if (waiting && state && mine().some((one) => same(one, shown()))) {
      say(lost ? "Kept in this browser, not saved yet" : "Saving …", lost ? "waits" : "");
    }
    elsewhere();
  }

  function elsewhere() {
    const others = refused().filter((one) => one.marker === marker() && !(state && same(one, shown())));
    $("kept").hidden = !others.length;
    $("kept").replaceChildren(...others.map((one) => {
      const line = document.createElement("p");
      line.textContent = `Not saved: ${one.what} Yours was ${one.said} `;
      const act = document.createElement(one.gone ? "button" : "a");
      if (one.gone) {
        act.type = "button";
        act.textContent = "Discard";
        act.addEventListener("click", () => dismiss(one));
      } else {
        act.href = `/q/${one.question}/${one.round}/${one.answer}`;
        act.textContent = "Look";
      }
      line.append(act);
      return line;
    }));
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
    const done = state.done + (isMarked() ? 1 : 0);
    $("done").textContent = done;
    $("progress").value = done;
    if (box !== document.activeElement) box.value = content.comment;
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
    if (!state || box.value === state.content.comment) return;
    state.content.comment = box.value;
    put();
  }

  async function undo() {
    if (mine().length) return say("Wait until all is saved, then undo", "waits");
    const save = crypto.randomUUID();
    const at = state;
    moving = true;  // what a key would choose now is about to be taken back
    let answer, found;
    try {
      answer = await post("/undo", { question: at.question, round: at.round, save });
      found = await answer.json().catch(() => ({}));
    } catch {
      found = { what: "No connection: nothing was taken back" };
    }
    if (state !== at) {
      if (state && found.answer === state.answer) go(location.pathname);
      return;
    }
    moving = false;
    if (!answer) return say(found.what, "waits");
    if (!answer.ok) return say(found.what || "Nothing was taken back", "waits");
    if (!found.answer) return say("There is nothing of yours to take back", "");
    if (found.answer !== at.answer) return go(`/q/${at.question}/${at.round}/${found.answer}`);
    state.content = found.content;
    state.seen = found.seen;
    show();
    say(`Taken back: ${found.points === null ? "not marked" : `${number(found.points)} of ${number(state.points)}`}`, "saved");
  }

  async function reveal() {
    const at = state;
    try {
      const answer = await post("/reveal", { question: at.question, round: at.round, answer: at.answer });
      const found = await answer.json();
      if (answer.ok && state === at) $("name").textContent = `${found.name} (logged)`;
    } catch { if (state === at) say("No connection", "waits"); }
  }

  async function bank(asked) {
    const at = state;
    let answer;
    try {
      answer = await post("/bank", { question: at.question, ...asked });
    } catch {
      if (state === at) say("No connection: the bank is as it was", "waits");
      return null;
    }
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    if (state === at) say(found.what || "The bank is as it was", "waits");
    return null;
  }

  async function keepInBank() {
    typed();
    const at = state;
    const text = box.value.trim();
    if (!text) return say("There is no comment to keep", "");
    const known = [...document.querySelectorAll("[data-comment]")].find((one) => one.dataset.text === text);
    const found = known ? { key: known.dataset.comment } : await bank({ text });
    if (!found) return;
    if (!known && state?.question === at.question && !banked(found.key)) addToBank(found);
    if (state !== at) return;  // it stays that answer's own comment, as it was saved above
    state.content.comments = [...new Set([...state.content.comments, found.key])];
    if (box.value.trim() === text) state.content.comment = box.value = "";
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
    chosen.setAttribute("aria-pressed", "false");
    const words = document.createElement("span");
    words.className = "text";
    words.textContent = found.text;
    const place = $("bank").querySelectorAll("[data-comment]").length + 1;
    if (place <= 9) chosen.append(keycap(`b${place}`));
    chosen.append(words);
    button("change all", { everywhere: found.key }, "small").setAttribute("aria-label", `Change everywhere: ${found.text}`);
    button("only here", { here: found.key }, "small").setAttribute("aria-label", `Change only here: ${found.text}`);
    $("bank").append(row);
  }

  function keycap(text) {
    const made = document.createElement("kbd");
    made.textContent = text;
    return made;
  }

  const banked = (key) => document.querySelector(`[data-comment="${CSS.escape(key)}"]`);

  function edit(key) {
    const row = banked(key).closest(".banked");
    if (row.querySelector("form")) return row.querySelector("textarea").focus();
    const form = document.createElement("form");
    const text = document.createElement("textarea");
    const sure = document.createElement("button");
    const not = document.createElement("button");
    form.className = "edit";
    text.rows = 3;
    text.maxLength = 10000;
    text.value = banked(key).dataset.text;
    text.setAttribute("aria-label", "The comment, for every answer that has it");
    sure.textContent = "Change for every answer that has it";
    not.type = "button";
    not.textContent = "Leave it";
    not.addEventListener("click", () => leave(form));
    form.addEventListener("submit", (event) => { event.preventDefault(); everywhere(key, form); });
    form.append(text, sure, not);
    row.append(form);
    text.focus();
  }

  function leave(form) {
    const opener = form.closest(".banked").querySelector("[data-everywhere]");
    form.remove();
    opener.focus();
  }

  async function everywhere(key, form) {
    const at = state;
    const text = form.querySelector("textarea").value.trim();
    if (!text || text === banked(key).dataset.text) return leave(form);
    typed();
    if (mine().length) return say("Wait until all is saved, then change it", "waits");
    const { round, answer, seen } = at;
    const found = await bank({ text, key, version: Number(banked(key).dataset.version), round, answer, seen });
    if (!found) return;
    const one = banked(key);  // of the answer that is shown now
    if (state?.question === at.question && one) {
      one.dataset.text = one.querySelector(".text").textContent = found.text;
      one.dataset.version = found.version;
    }
    if (state !== at) return;
    if (found.seen) renew(seen, found.seen);
    leave(form);
    const apart = found.kept ? `; ${found.kept} marked by somebody else since, as they were` : "";
    say(`Changed for every answer that has it${apart}`, "saved");
  }

  // The mark of this answer was written anew with the changed comment.
  function renew(seen, by) {
    const old = (one) => one.seen.choice === seen.choice && one.seen.mark === seen.mark;
    if (old(state)) state.seen = by;
    keep(queue().map((one) => (same(one, shown()) && old(one) ? { ...one, seen: by } : one)));
  }

  function here(key) {
    state.content.comments = state.content.comments.filter((one) => one !== key);
    state.content.comment = [banked(key).dataset.text, box.value].filter(Boolean).join("\n");
    box.value = state.content.comment;
    box.focus();
    put();
  }

  function go(path) {
    if (state) typed();
    moving = true;
    location.assign(path);
  }

  const isMarked = () => state.content.none || state.content.items.length > 0;

  async function follow(id) {
    typed();
    if ($(id)?.matches("[data-end]") && !isMarked()) {
      say("This is the only one that is not marked", "");
    } else if ($(id)) {
      moving = true;  // a key that is pressed now is for an answer that nobody has seen yet
      const at = state;
      await arrived();
      if (state === at) $(id).click();
    } else say({ previous: "This is the first answer", next: "This is the last answer" }[id] || "No other answer is flagged", "");
  }

  // The bank.

  const comments = () => [...$("bank").querySelectorAll("[data-comment]")];

  function choose(on) {
    choosing = on && comments().length > 0;
    $("choosing").hidden = !choosing;
    if (choosing) comments()[0].focus();
    else if (on) say("The bank is empty: write a comment, then keep it", "");
  }

  function comment(key) {
    state.content.comments = toggle(state.content.comments, key);
    put();
  }

  // A digit, right after `b`; or an arrow, as long as a comment has the focus.
  function ofBank(event) {
    const all = comments();
    const at = all.indexOf(document.activeElement);
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && at >= 0) {
      all[Math.min(Math.max(at + by, 0), all.length - 1)].focus();
      return true;
    }
    if (!choosing) return false;
    const digit = /^[0-9]$/.test(event.key);
    if (digit && all[Number(event.key) - 1]) comment(all[Number(event.key) - 1].dataset.comment);
    else if (digit) say(`The bank has no comment ${event.key}`, "");
    if (digit || event.key === "Escape") document.activeElement.blur();
    return digit || event.key === "Escape";
  }

  const KEYS = {
    j: () => follow("next"), k: () => follow("previous"), n: () => follow("next-open"),
    c: () => box.focus(), u: undo, f: flag, F: () => follow("next-flagged"), r: reveal,
    b: () => choose(true),
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
      if (inside.closest(".edit")) leave(inside.closest(".edit"));
      if (inside.id === "words") inside.value = $("found").textContent = "";
      return;
    }
    if (writes || $("keys").open) return;
    if (moving) return event.preventDefault();
    const taken = !event.repeat && ofBank(event);
    if (event.key !== "Shift") choose(false);
    if (taken) return event.preventDefault();
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
    else if (one.dataset.comment) comment(one.dataset.comment);
    else if (one.dataset.everywhere) edit(one.dataset.everywhere);
    else if (one.dataset.here) here(one.dataset.here);
    else ({ none, flag, undo, reveal, keep: keepInBank, help: KEYS["?"], "keep-theirs": theirs, "put-mine": above })[one.id]?.();
  }

  function theirs() {
    dismiss(shown());
    location.reload();
  }

  async function above() {
    const at = state;
    const answer = await fetch(location.pathname).catch(() => null);
    const text = answer && answer.ok ? await answer.text().catch(() => "") : "";
    if (state !== at) return;
    if (!text) return say("No connection", "waits");
    const page = new DOMParser().parseFromString(text, "text/html");
    const now = JSON.parse(page.getElementById("main").dataset.state);
    const kept = refusedHere();
    if (!kept || now.digest !== kept.digest) return location.reload();
    $("conflict").hidden = true;
    state.seen = now.over || now.seen;
    state.content = kept.content;
    box.value = kept.content.comment;
    if (put()) dismiss(kept);
  }

  // Frames are as high as what stands in them, and keys work in them too: nothing runs inside.

  function framed(frame) {
    const inside = frame.contentDocument;
    if (!inside || !inside.body) return;
    inside.addEventListener("keydown", pressed);
    // The page's own style does not see that the focus is inside a frame.
    inside.defaultView.addEventListener("focus", () => frame.classList.add("entered"));
    inside.defaultView.addEventListener("blur", () => frame.classList.remove("entered"));
    if (frame.id !== "answer") return;
    const fit = () => { frame.style.height = `${inside.documentElement.getBoundingClientRect().height + 8}px`; };
    fit();
    new ResizeObserver(fit).observe(inside.body);
  }

  function load() {
    const main = $("main");
    clearTimeout(typing);
    state = main.dataset.state ? JSON.parse(main.dataset.state) : null;
    box = $("comment");
    opened = performance.now();
    moving = false;
    if (main.querySelector("[data-go]")) return location.replace("/");
    if (!state) {
      sign();
      return send();
    }
    const waiting = mine().filter((one) => same(one, shown())).pop();
    if (waiting?.digest === state.digest) {
      state.content = waiting.content;
      state.seen = waiting.seen;
    }
    document.title = `${$("where").textContent} · ${document.querySelector(".bar h1").textContent}`;
    for (const frame of document.querySelectorAll("iframe")) {
      frame.addEventListener("load", () => framed(frame));
      framed(frame);
    }
    box.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(typed, 700); });
    box.addEventListener("blur", typed);
    $("notebook").addEventListener("toggle", () => {
      const frame = $("notebook").querySelector("iframe");
      if ($("notebook").open && !frame.src) frame.src = frame.dataset.src;
    });
    choose(false);
    show();
    // The receipt is exchanged with the answer: a live region that stays tells where one is.
    $("told").textContent = `Answer ${$("where").textContent}: ${$("receipt").textContent}`;
    openConflict();
    sign();
    send();
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("htmx:beforeRequest", typed);
  document.addEventListener("htmx:beforeSwap", typed);
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "main" || event.target.id === "main") load(); });
  const stuck = (why) => { moving = false; lost = why; sign(); };
  document.addEventListener("htmx:sendError", () => stuck("no connection"));
  document.addEventListener("htmx:responseError", (event) => stuck(
    event.detail.xhr.status === 401 ? "the session has ended, open a new link of `assay review`" : "it has a fault"));
  window.addEventListener("online", send);
  window.addEventListener("pagehide", typed);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", load);
  else load();
})();
