// A preview of the topics while their rows or their list are edited, as the buttons do without this script, and a
// question before what was typed in one section is lost because another one was saved.
(() => {
  'use strict';
  // a reload, or coming back to this page, neither sends a form again nor says again what was done
  history.replaceState(history.state, '', location.pathname);
  const panel = document.getElementById('live-preview');
  const rows = document.getElementById('topic-rows');
  const list = document.getElementById('preferences');
  // a part is the form of the rows or, in the other form, what the next button below saves
  const unsaved = new Set();
  const buttons = [...(list ? list.elements : [])].filter((field) => /^save-/.test(field.value) && field.type === 'submit');
  const partOf = (field) => field.form === rows
    ? rows
    : buttons.find((button) => field.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING);
  for (const kind of ['input', 'change']) {
    document.addEventListener(kind, (event) => {
      if ([rows, list].includes(event.target.form)) unsaved.add(partOf(event.target));
    });
  }
  document.addEventListener('submit', (event) => {
    const sent = buttons.includes(event.submitter) ? [event.submitter] : event.target === list ? buttons : [event.target];
    for (const part of sent) unsaved.delete(part);
  });
  addEventListener('beforeunload', (event) => {
    if (unsaved.size) event.preventDefault();
  });
  if (!panel || !rows || !list || !window.fetch) return;
  const shown = document.querySelector('.found[role=status]');
  if (shown) {
    panel.replaceChildren(...shown.childNodes);
    shown.remove();
  }
  panel.hidden = false;

  let edited = list;
  let waiting = 0;
  let running = null;
  const say = (text) => {
    const line = document.createElement('p');
    line.className = 'hint';
    line.setAttribute('role', 'alert');
    line.textContent = text;
    panel.replaceChildren(line);
  };
  const put = (answer, text) => {
    const page = new DOMParser().parseFromString(text, 'text/html');
    const preview = page.querySelector('.found[role=status]');
    const error = page.querySelector('[id$=-error]') || page.querySelector('main p');
    if (answer.ok && preview) panel.replaceChildren(...preview.childNodes);
    else if (error) say(error.textContent);
    if (answer.status !== 429) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 1000 * (Number(answer.headers.get('Retry-After')) || 5));
  };
  const look = async () => {
    if (running) running.abort();
    running = new AbortController();
    const turn = running;
    const body = new URLSearchParams(new FormData(edited));
    body.set('action', edited === rows ? 'preview-rows' : 'preview');
    try {
      const answer = await fetch(location.href, { method: 'POST', body, signal: turn.signal });
      const text = await answer.text();
      if (turn === running) put(answer, text);
    } catch (error) {
      // offline, or replaced by a newer look: what is shown stays
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 500);
  };
  document.addEventListener('input', (event) => {
    const form = event.target.form;
    if (form !== rows && form !== list) return;
    edited = form;
    soon();
  });
  if (shown) return;
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    look();
  });
  seen.observe(panel);
})();
