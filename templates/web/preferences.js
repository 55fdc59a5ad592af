// A preview beside the topics while they are edited. Without this script "Preview these topics" does the same.
(() => {
  'use strict';
  // a reload, or coming back to this page, neither sends a form again nor says again what was done
  history.replaceState(history.state, '', location.pathname);
  const panel = document.getElementById('live-preview');
  const topics = document.getElementById('topics');
  if (!panel || !topics || !window.fetch) return;
  const form = panel.closest('form');
  const shown = form.querySelector('.found[role=status]');
  if (shown) {
    panel.replaceChildren(...shown.childNodes);
    shown.remove();
  }
  panel.hidden = false;

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
    const found = page.querySelector('form .found[role=status]');
    const error = page.querySelector('form .error') || page.querySelector('main p');
    if (answer.ok && found) panel.replaceChildren(...found.childNodes);
    else if (error) say(error.textContent);
    if (answer.status !== 429) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 1000 * (Number(answer.headers.get('Retry-After')) || 5));
  };
  const look = async () => {
    if (running) running.abort();
    running = new AbortController();
    const turn = running;
    const body = new URLSearchParams(new FormData(form));
    body.set('action', 'preview');
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
  form.addEventListener('input', soon);
  if (shown) return;
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    look();
  });
  seen.observe(panel);
})();
