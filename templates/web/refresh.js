// Refreshes a page of the administration without moving it: its content is replaced, focus and scroll position stay.
// While somebody types or has opened a list, nothing is replaced. Without this script the page reloads by itself.
(() => {
  'use strict';
  const content = document.querySelector('[data-refresh]');
  if (!content) return;
  const busy = () => document.hidden || (document.activeElement && document.activeElement.matches('input, select, textarea'));
  const place = (element) => Array.from(content.querySelectorAll('a, button, summary, [tabindex]')).indexOf(element);
  const replace = (fresh) => {
    const focused = place(document.activeElement);
    const open = Array.from(content.querySelectorAll('details'), (details) => details.open);
    content.replaceChildren(...fresh.childNodes);
    content.querySelectorAll('details').forEach((details, number) => { details.open = Boolean(open[number]); });
    if (focused < 0) return;
    const again = content.querySelectorAll('a, button, summary, [tabindex]')[focused];
    if (again) again.focus({ preventScroll: true });
  };
  setInterval(async () => {
    if (busy()) return;
    try {
      const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (!response.ok || response.redirected) return;
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const fresh = page.querySelector('[data-refresh]');
      if (fresh && !busy()) replace(fresh);
    } catch (error) {
      // offline: what is shown stays, and the next turn tries again
    }
  }, 1000 * Number(content.dataset.refresh));
})();
