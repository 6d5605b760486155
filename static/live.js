/*
 * What a page does while it is open: follows the log by one stream, and asks again now and then for
 * what the log does not tell (latencies, strips). Every page works without it.
 */
(() => {
  "use strict";

  const SETTLE = 400; // ms: changes that come together cost one question
  const AGAIN = 500; // ms: a page that is made for many may lag behind the stream for a moment
  const SHARE = 20; // ms of the server's time that one open page may claim after a change
  const light = document.getElementById("live");
  let stream = null;
  let pending = 0;
  let heard = 0; // the newest position that the stream has told

  const refreshing = () => document.querySelectorAll("[data-refresh]");

  /* Asking again for a part of the page */

  function refresh(element) {
    element.dataset.asked = Date.now();
    htmx.trigger(element, "refresh");
  }

  function refreshSoon(slug, clients = 1) {
    clearTimeout(pending);
    // The more pages are open, the wider their questions are spread.
    const wait = SETTLE + Math.random() * clients * SHARE;
    pending = setTimeout(() => {
      for (const element of refreshing()) {
        const wanted = element.dataset.events;
        if (!wanted || wanted === "all" || !slug || wanted === slug) refresh(element);
      }
    }, wait);
  }

  setInterval(() => {
    if (document.hidden) return;
    for (const element of refreshing()) {
      const asked = Number(element.dataset.asked ||= Date.now());
      if (Date.now() - asked >= Number(element.dataset.refresh) * 1000) refresh(element);
    }
  }, 1000);

  /* What the reader has opened or reached by keyboard outlives a refresh. */

  let opened = [];
  let focused = null;

  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("details[open][id]")].map((details) => details.id);
    const element = document.activeElement;
    focused = element instanceof HTMLAnchorElement ? element.getAttribute("href") : null;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const part = document.getElementById(event.detail.target.id);
    if (part && Number(part.dataset.position) < heard) setTimeout(() => refresh(part), AGAIN);
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    if (focused && document.activeElement === document.body) {
      document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
  });

  /* The stream */

  function show(state) {
    if (light.dataset.state === state) return;
    light.hidden = false;
    light.dataset.state = state;
    light.textContent = state === "live" ? light.dataset.live : light.dataset.waiting;
  }

  function changeRow(event) {
    const { slug, position, html, clients } = JSON.parse(event.data);
    heard = Math.max(heard, position);
    const row = document.getElementById(`check-${slug}`);
    if (row && html && Number(row.dataset.position) < position) {
      const table = document.createElement("table");
      table.innerHTML = html;
      const changed = table.querySelector("tr");
      changed.classList.add("changed");
      row.replaceWith(changed);
      htmx.process(changed);
    }
    refreshSoon(slug, clients);
  }

  function changeCounts(event) {
    const { counts, sentence } = JSON.parse(event.data);
    for (const element of document.querySelectorAll("[data-count]")) {
      element.textContent = counts[element.dataset.count];
    }
    if (document.getElementById("listing")) document.title = `${sentence} · Breakwater`;
  }

  /* What happened between the page and the stream is asked for. */
  function greet(event) {
    const { position } = JSON.parse(event.data);
    heard = Math.max(heard, position);
    const shown = [...document.querySelectorAll("[data-position]")].map((one) => Number(one.dataset.position));
    show("live");
    if (shown.some((known) => known < position)) refreshSoon();
  }

  function connect() {
    if (stream || document.hidden) return;
    stream = new EventSource(light.dataset.src);
    stream.addEventListener("hello", greet);
    stream.addEventListener("check", changeRow);
    stream.addEventListener("counts", changeCounts);
    stream.addEventListener("resync", (event) => refreshSoon("", JSON.parse(event.data).clients));
    stream.addEventListener("error", () => {
      show("waiting");
      // A refusal (or a server that has left) closes the stream for good; a break is mended by the browser.
      if (stream?.readyState === EventSource.CLOSED) {
        disconnect();
        setTimeout(connect, 5000);
      }
    });
  }

  function disconnect() {
    stream?.close();
    stream = null;
  }

  if (light) {
    connect();
    document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
    window.addEventListener("pagehide", disconnect);
    window.addEventListener("pageshow", connect);
  }

  /* Charts: the values under the pointer are told beside the legend. */

  document.addEventListener("pointerover", (event) => {
    const hit = event.target instanceof Element ? event.target.closest(".hit") : null;
    const panel = event.target instanceof Element ? event.target.closest(".panel") : null;
    const readout = panel?.querySelector(".readout");
    if (readout) readout.textContent = hit ? hit.querySelector("title").textContent : "";
  });

  /* A choice in a filter is a search. Without this script the button beside it does it. */

  for (const form of document.querySelectorAll("form.tools")) form.classList.add("instant");
})();
