// Refreshes a page of the administration in place: what has not changed stays the same element, so that focus, caret,
// typed text, selection, open details and scroll positions stay, too. Without this script the page reloads by itself.
(() => {
  'use strict';
  const content = document.querySelector('[data-refresh]');
  if (!content) return;
  const MOST_FAILURES = 3; // in a row; then it stops and says so
  let failures = 0;

  // nodes with the same key are the same thing: an element by its id, a row by its link, any other one by its place
  const keyOf = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
    const link = node.nodeName === 'TR' ? node.querySelector('a[href]') : null;
    return [node.nodeName, node.id, link ? link.getAttribute('href') : ''].join(' ');
  };
  const updateAttributes = (element, fresh) => {
    for (const { name, value } of fresh.attributes) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
    for (const { name } of [...element.attributes]) {
      if (!fresh.hasAttribute(name) && !(name === 'open' && element.nodeName === 'DETAILS')) element.removeAttribute(name);
    }
  };
  const update = (node, fresh) => {
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.nodeValue !== fresh.nodeValue) node.nodeValue = fresh.nodeValue;
      return;
    }
    updateAttributes(node, fresh);
    updateChildren(node, fresh);
  };
  const updateChildren = (parent, fresh) => {
    const former = new Map();
    for (const node of parent.childNodes) {
      const key = keyOf(node);
      former.set(key, [...(former.get(key) || []), node]);
    }
    const children = Array.from(fresh.childNodes, (wanted) => {
      const kept = (former.get(keyOf(wanted)) || []).shift();
      if (kept) update(kept, wanted);
      return kept || document.importNode(wanted, true);
    });
    for (const node of [...former.values()].flat()) node.remove();
    children.forEach((child, number) => {
      const place = parent.childNodes[number] || null;
      if (child !== place) parent.insertBefore(child, place);
    });
  };
  const refresh = (fresh) => {
    const focused = document.activeElement;
    const selection = getSelection();
    const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = selection;
    updateChildren(content, fresh);
    if (focused !== document.activeElement && content.contains(focused)) focused.focus({ preventScroll: true });
    if (isCollapsed || !content.contains(anchorNode) || !content.contains(focusNode)) return;
    if (selection.anchorNode === anchorNode && selection.anchorOffset === anchorOffset
      && selection.focusNode === focusNode && selection.focusOffset === focusOffset) return;
    const lengthOf = (node) => (node.nodeValue === null ? node.childNodes.length : node.nodeValue.length);
    selection.setBaseAndExtent(
      anchorNode, Math.min(anchorOffset, lengthOf(anchorNode)), focusNode, Math.min(focusOffset, lengthOf(focusNode)),
    );
  };

  const stop = (timer) => {
    clearInterval(timer);
    const line = document.createElement('p');
    line.className = 'card error';
    line.setAttribute('role', 'alert');
    const again = document.createElement('a');
    again.href = location.href;
    again.textContent = content.dataset.again;
    line.append(content.dataset.stopped + ' ', again);
    content.before(line);
  };
  const timer = setInterval(async () => {
    if (document.hidden) return;
    let fresh = null;
    try {
      const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (response.ok && !response.redirected) {
        const page = new DOMParser().parseFromString(await response.text(), 'text/html');
        fresh = page.querySelector('.admin');
      }
    } catch {
      // offline, or the service does not run
    }
    if (fresh) {
      failures = 0;
      refresh(fresh);
      if (!fresh.dataset.refresh) clearInterval(timer); // all is done, or the page itself says why it stops
      return;
    }
    failures += 1;
    if (failures === MOST_FAILURES) stop(timer);
  }, 1000 * Number(content.dataset.refresh));
})();
