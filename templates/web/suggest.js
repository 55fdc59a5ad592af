// Suggests topics while you type, as a combobox with a list. Without this script the fields work the same.
(() => {
  'use strict';
  const entry = document.getElementById('topic') || document.getElementById('q');
  if (!entry || !window.fetch) return;
  const isSearch = entry.id === 'q';
  const PAUSE = 200; // milliseconds without a key
  const LONG = 160; // characters: from so many on what is pasted is a text, not a topic
  const holder = entry.parentElement;
  const label = document.querySelector('[data-suggestions]');

  const list = document.createElement('ul');
  list.id = 'suggestions';
  list.className = 'suggestions';
  list.hidden = true;
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', label ? label.dataset.suggestions : '');
  holder.classList.add('suggested');
  holder.append(list);
  entry.setAttribute('role', 'combobox');
  entry.setAttribute('aria-autocomplete', 'list');
  entry.setAttribute('aria-controls', list.id);
  entry.setAttribute('aria-expanded', 'false');

  let options = [];
  let active = -1;
  let waiting = 0;
  let running = null;

  const mark = (index) => {
    active = index;
    [...list.children].forEach((row, number) => row.setAttribute('aria-selected', String(number === index)));
    if (index < 0) entry.removeAttribute('aria-activedescendant');
    else {
      entry.setAttribute('aria-activedescendant', list.children[index].id);
      list.children[index].scrollIntoView({ block: 'nearest' });
    }
  };
  const close = () => {
    clearTimeout(waiting);
    if (running) running.abort();
    options = [];
    list.hidden = true;
    list.replaceChildren();
    entry.setAttribute('aria-expanded', 'false');
    mark(-1);
  };
  const choose = (option) => {
    close();
    if (isSearch) {
      entry.value = option.topics.join(' OR ');
      entry.form.requestSubmit();
      return;
    }
    entry.value = option.topics.join(',') + ','; // a comma ends a topic there
    entry.dispatchEvent(new InputEvent('input', { bubbles: true }));
    entry.focus();
  };
  const show = (found) => {
    options = found;
    list.replaceChildren(...found.map((option, number) => {
      const row = document.createElement('li');
      row.id = 'suggestion-' + number;
      row.setAttribute('role', 'option');
      const words = document.createElement('span');
      words.textContent = option.label;
      const note = document.createElement('span');
      note.className = 'muted';
      note.textContent = option.note;
      row.append(words, note);
      row.addEventListener('mousedown', (event) => event.preventDefault()); // the field keeps the focus
      row.addEventListener('click', () => choose(option));
      return row;
    }));
    list.hidden = !found.length;
    entry.setAttribute('aria-expanded', String(found.length > 0));
    mark(-1);
  };
  const ask = async (text) => {
    if (running) running.abort();
    running = new AbortController();
    const turn = running;
    try {
      const answer = await fetch('/topics/suggest?q=' + encodeURIComponent(text), { signal: turn.signal });
      if (turn !== running || document.activeElement !== entry) return;
      show(answer.ok ? (await answer.json()).suggestions : []);
    } catch {
      if (turn === running) close();
    }
  };

  entry.addEventListener('input', (event) => {
    if (event.isComposing) return;
    clearTimeout(waiting);
    const text = entry.value.trim();
    if (text.length < 2) close();
    else waiting = setTimeout(ask, PAUSE, text);
  });
  // before the field's own listeners, so that Enter takes the option and not what was typed
  holder.addEventListener('keydown', (event) => {
    if (event.target !== entry || event.isComposing) return;
    if (list.hidden) {
      if (event.key === 'Enter') close(); // what is asked for comes too late
      return;
    }
    const last = options.length - 1;
    if (event.key === 'ArrowDown') mark(active === last ? -1 : active + 1);
    else if (event.key === 'ArrowUp') mark(active < 0 ? last : active - 1);
    else if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && active >= 0) choose(options[active]);
    else {
      if (event.key === 'Enter') close();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }, true);
  holder.addEventListener('paste', (event) => {
    if (event.target !== entry || isSearch) return;
    const pasted = event.clipboardData.getData('text').trim();
    const lines = pasted.split('\n');
    if (pasted.length < LONG || (lines.length > 1 && lines.every((line) => line.length < LONG / 2))) return;
    event.preventDefault(); // a long text offers topics; several short lines are topics
    event.stopPropagation();
    ask(pasted.replace(/\s+/g, ' ').slice(0, 4500));
  }, true);
  entry.addEventListener('blur', close);
})();
