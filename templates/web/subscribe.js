// Topics as tags, and a preview while you type. Without this script the page works the same, by its buttons.
(() => {
  'use strict';
  const box = document.getElementById('box');
  const text = document.getElementById('topics');
  const preview = document.getElementById('preview');
  const zone = document.getElementById('time_zone');
  if (!box || !text || !window.fetch) return;

  const topics = () => text.value.split('\n').map((line) => line.trim()).filter(Boolean);

  const tags = document.createElement('ul');
  tags.className = 'tags';
  tags.setAttribute('aria-label', box.dataset.chosen);
  const entry = document.createElement('input');
  entry.id = 'topic';
  entry.maxLength = 500;
  entry.autocomplete = 'off';
  entry.spellcheck = false;
  entry.className = 'wide';
  const label = box.querySelector('label[for=topics]');
  const hint = document.getElementById('topics-hint');
  label.htmlFor = 'topic';
  if (hint) {
    hint.textContent = box.dataset.hint;
    entry.setAttribute('aria-describedby', 'topics-hint');
  }
  const error = document.getElementById('topics-error');
  if (error) {
    entry.setAttribute('aria-invalid', 'true');
    entry.setAttribute('aria-describedby', 'topics-error');
  }
  text.hidden = true;
  text.before(entry, tags);
  document.querySelector('.by-hand').hidden = true;

  const examples = [...box.querySelectorAll('[data-example]')];
  const show = () => {
    for (const example of examples) example.hidden = topics().includes(example.dataset.example);
    box.querySelector('.examples').hidden = examples.every((example) => example.hidden);
    tags.replaceChildren(...topics().map((topic, index) => {
      const item = document.createElement('li');
      item.className = 'tag';
      const words = document.createElement('span');
      words.textContent = topic;
      const remove = document.createElement('button');
      remove.type = 'button';
      remove.textContent = '×';
      remove.setAttribute('aria-label', box.dataset.remove + ' ' + topic);
      remove.addEventListener('click', () => {
        text.value = topics().filter((_, other) => other !== index).join('\n');
        changed();
        entry.focus();
      });
      item.append(words, remove);
      return item;
    }));
  };

  let waiting = 0;
  let latest = 0;
  const look = async () => {
    const turn = ++latest;
    if (!topics().length && !box.elements.authors.value.trim()) {
      preview.replaceChildren();
      return;
    }
    try {
      const answer = await fetch('/preview', { method: 'POST', body: new URLSearchParams(new FormData(box)) });
      const fragment = answer.ok || answer.status === 422 || answer.status === 429 ? await answer.text() : '';
      if (turn === latest) preview.innerHTML = fragment;
    } catch {
      if (turn === latest) preview.replaceChildren();
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 400);
  };
  const changed = () => { show(); soon(); };
  const add = (topic) => {
    const words = topic.trim();
    if (words && !topics().includes(words)) text.value = [...topics(), words].join('\n');
    changed();
  };
  const take = () => {
    if (!entry.value.trim()) return;
    add(entry.value);
    entry.value = '';
  };

  entry.addEventListener('keydown', (event) => {
    const open = (entry.value.match(/"/g) || []).length % 2 || entry.value.lastIndexOf('(') > entry.value.lastIndexOf(')');
    const adds = event.key === 'Enter' || (event.key === ',' && !open);
    if (!adds || event.isComposing) return;
    event.preventDefault();
    take();
  });
  entry.addEventListener('change', take);
  entry.addEventListener('paste', (event) => {
    const pasted = event.clipboardData.getData('text');
    if (!pasted.includes('\n')) return;
    event.preventDefault();
    pasted.split('\n').forEach(add);
  });
  for (const example of examples) {
    example.setAttribute('role', 'button');
    example.addEventListener('click', (event) => {
      event.preventDefault();
      add(example.dataset.example);
      entry.focus();
    });
  }
  box.addEventListener('change', (event) => {
    if (event.target.closest('details')) soon();
  });
  box.addEventListener('submit', take);
  if (zone.value === 'UTC') {
    zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  }
  // a browser that goes back restores the hidden field after this script has run
  window.addEventListener('pageshow', show);
  show();
  if (topics().length && !preview.children.length && !box.querySelector('.error')) soon();
})();
