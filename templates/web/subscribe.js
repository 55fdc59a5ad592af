// Topics as tags, and a preview while you type. Without this script the page works the same, by its buttons.
(() => {
  'use strict';
  const box = document.getElementById('box');
  const text = document.getElementById('topics');
  const preview = document.getElementById('preview');
  const zone = document.getElementById('time_zone');
  const note = document.getElementById('topics-note');
  if (!box || !text || !window.fetch) return;

  // as the server splits: commas and semicolons in quotes and in parentheses belong to the topic
  const parts = (line) => [...line.matchAll(/(?:"[^"]*(?:"|$)|\([^()]*(?:\)|$)|[^,;，；、"(])+/g)];
  const split = (value) => value.split('\n').flatMap((line) => parts(line).map((part) => part[0].trim())).filter(Boolean);
  const topics = () => text.value.split('\n').map((line) => line.trim()).filter(Boolean);
  const counts = new Map();

  const element = (name, className, content) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content) made.textContent = content;
    return made;
  };
  const button = (className, content, label, act) => {
    const made = element('button', className, content);
    made.type = 'button';
    if (label) made.setAttribute('aria-label', label);
    made.addEventListener('click', act);
    return made;
  };

  const field = element('div', 'topic-box tag-field');
  const tags = element('ul', 'tags');
  tags.setAttribute('aria-label', box.dataset.chosen);
  const entry = element('input', 'entry');
  entry.id = 'topic';
  entry.maxLength = 500;
  entry.autocomplete = 'off';
  entry.spellcheck = false;
  field.append(tags, entry);
  field.addEventListener('click', (event) => { if (event.target === field || event.target === tags) entry.focus(); });
  box.querySelector('label[for=topics]').htmlFor = 'topic';
  const hint = element('p', 'hint', box.dataset.hint);
  hint.id = 'topics-hint';
  entry.setAttribute('aria-describedby', note.querySelector('.error') ? 'topics-error' : 'topics-hint');
  if (note.querySelector('.error')) entry.setAttribute('aria-invalid', 'true');
  else note.replaceChildren(hint);
  text.hidden = true;
  text.autocomplete = 'off'; // what was typed is kept in the state of the page's history entry instead
  if (history.state && typeof history.state.topics === 'string') text.value = history.state.topics;
  const isKept = (control) => control.name && control !== text && !['submit', 'file'].includes(control.type)
    && control.name !== 'zotero_key';
  const isTicked = (control) => control.type === 'checkbox';
  const placeOf = (control) => control.name + ' ' + (isTicked(control) ? control.value : '');
  const remember = () => {
    const controls = [...box.elements].filter(isKept);
    const fields = Object.fromEntries(controls.map((control) => [placeOf(control), isTicked(control) ? control.checked : control.value]));
    history.replaceState({ ...history.state, topics: text.value, fields }, '', box.dataset.address || location.href);
  };
  if (history.state && history.state.fields) {
    for (const control of [...box.elements].filter(isKept)) {
      const value = history.state.fields[placeOf(control)];
      if (value === undefined) continue;
      if (isTicked(control)) control.checked = value;
      else control.value = value;
    }
  }
  if (box.dataset.address) remember(); // the answer to a POST: neither a reload nor going back sends the form again
  text.before(field);

  const say = (...content) => {
    const line = element('p', 'hint');
    line.append(...content);
    line.id = 'topics-hint';
    entry.removeAttribute('aria-invalid');
    entry.setAttribute('aria-describedby', line.id);
    note.replaceChildren(line);
  };
  const complain = (message) => {
    const line = element('p', 'error', message);
    line.id = 'topics-error';
    entry.setAttribute('aria-invalid', 'true');
    entry.setAttribute('aria-describedby', line.id);
    note.replaceChildren(line);
  };

  const store = (chosen) => {
    text.value = [...new Set(chosen)].join('\n');
    history.replaceState({ ...history.state, topics: text.value }, '');
  };
  const replaceTopic = (index, value) => {
    const all = topics();
    all.splice(index, 1, ...split(value));
    store(all);
    changed();
  };

  let editing = false;
  const edit = (item, index, topic) => {
    editing = true;
    const input = element('input', 'entry');
    input.value = topic;
    input.maxLength = 500;
    input.spellcheck = false;
    input.setAttribute('aria-label', box.dataset.edit + ' ' + topic);
    let done = false;
    const finish = (value) => {
      if (done) return;
      done = true;
      editing = false;
      replaceTopic(index, value);
    };
    input.addEventListener('keydown', (event) => {
      if (event.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
      event.preventDefault();
      finish(event.key === 'Enter' ? input.value : topic);
      entry.focus();
    });
    input.addEventListener('blur', () => finish(input.value));
    item.replaceChildren(input);
    input.focus();
    input.select();
  };

  const examples = [...box.querySelectorAll('[data-example]')];
  const show = () => {
    if (editing) return; // the tags are shown anew when the edit ends
    const chosen = topics();
    for (const example of examples) {
      const isUsed = chosen.includes(example.dataset.example);
      example.classList.toggle('used', isUsed);
      example.setAttribute('aria-disabled', String(isUsed));
    }
    tags.replaceChildren(...chosen.map((topic, index) => {
      const item = element('li', 'tag');
      const count = counts.get(topic);
      const often = element('span', 'count', count ? count.often : '');
      if (count && count.silent) often.classList.add('silent');
      item.append(
        button('words', topic, box.dataset.edit + ' ' + topic, () => edit(item, index, topic)),
        often,
        button('remove', '×', box.dataset.remove + ' ' + topic, () => {
          store(topics().filter((_, other) => other !== index));
          changed();
          entry.focus();
        }),
      );
      return item;
    }));
  };

  const readCounts = () => {
    let suggested;
    for (const row of preview.querySelectorAll('[data-topic]')) {
      const silent = row.classList.contains('silent');
      counts.set(row.dataset.topic, { often: row.dataset.count, silent });
      if (row.dataset.suggestion && !suggested && topics().includes(row.dataset.topic)) suggested = row;
    }
    const list = preview.querySelector('.by-topic');
    if (list) list.hidden = true; // the tags say the same
    show();
    if (suggested) {
      const { topic, suggestion, count } = suggested.dataset;
      const use = button('plain', suggestion, '', () => {
        replaceTopic(topics().indexOf(topic), suggestion);
        entry.focus();
      });
      say(topic + ': ' + count + '. ' + box.dataset.suggestion + ' ', use, '?');
    } else if (!note.querySelector('#topics-hint') || note.querySelector('button')) {
      note.replaceChildren(hint);
      entry.removeAttribute('aria-invalid');
      entry.setAttribute('aria-describedby', 'topics-hint');
    }
  };

  const isEmpty = () => !topics().length && !box.elements.authors.value.trim()
    && !box.querySelector('[name=categories]:checked')
    && !box.querySelector('input[list][name=categories]')?.value.trim();
  const clear = () => preview.replaceChildren(document.getElementById('preview-empty').content.cloneNode(true));

  let waiting = 0;
  let running = null;
  const put = (answer, fragment) => {
    const holder = element('template');
    holder.innerHTML = fragment;
    const error = holder.content.querySelector('.error');
    if (error && error.dataset.field === 'topics') {
      complain(error.textContent);
      clear();
      return;
    }
    preview.replaceChildren(holder.content);
    if (answer.ok) {
      readCounts();
    } else if (answer.status === 429) {
      const seconds = Number(answer.headers.get('Retry-After')) || 5;
      preview.querySelector('.error').append(' ' + box.dataset.retry);
      clearTimeout(waiting);
      waiting = setTimeout(look, 1000 * seconds);
    }
  };
  const look = async () => {
    if (running) running.abort();
    running = new AbortController();
    const turn = running;
    if (isEmpty()) {
      clear();
      return;
    }
    try {
      const body = new URLSearchParams(new FormData(box));
      for (const name of ['address', 'library_text', 'library_file', 'zotero_library', 'zotero_key', 'orcid']) body.delete(name);
      const answer = await fetch('/preview', { method: 'POST', body, signal: turn.signal });
      const shown = answer.ok || answer.status === 422 || answer.status === 429;
      const fragment = shown ? await answer.text() : '';
      if (turn !== running) return;
      if (shown) put(answer, fragment);
      else clear();
    } catch {
      if (turn === running) clear();
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 400);
  };
  const changed = () => { show(); soon(); tags.scrollTop = tags.scrollHeight; };
  const add = (value) => {
    const words = split(value);
    if (!words.length) return;
    store([...topics(), ...words]);
    changed();
  };
  const take = () => {
    const value = entry.value;
    entry.value = '';
    add(value);
  };

  entry.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      take();
    } else if (event.key === 'Backspace' && !entry.value && topics().length) {
      event.preventDefault();
      const all = topics();
      entry.value = all.pop();
      store(all);
      changed();
    }
  });
  entry.addEventListener('input', (event) => { // a comma or semicolon ends a topic, typed or pasted
    if (event.isComposing) return;
    const found = parts(entry.value);
    const last = found[found.length - 1];
    const length = found.reduce((sum, part) => sum + part[0].length, 0);
    if (length === entry.value.length) return;
    const open = last && last.index + last[0].length === entry.value.length ? last[0].trimStart() : '';
    const whole = entry.value.slice(0, entry.value.length - (open ? last[0].length : 0));
    entry.value = open;
    add(whole);
  });
  entry.addEventListener('compositionend', () => entry.dispatchEvent(new InputEvent('input')));
  entry.addEventListener('change', take);
  entry.addEventListener('paste', (event) => {
    const pasted = event.clipboardData.getData('text');
    if (!pasted.includes('\n')) return;
    event.preventDefault();
    add(pasted);
  });
  for (const example of examples) {
    example.setAttribute('role', 'button');
    const choose = (event) => {
      event.preventDefault();
      add(example.dataset.example);
      entry.focus();
    };
    example.addEventListener('click', choose);
    example.addEventListener('keydown', (event) => { if (event.key === ' ') choose(event); });
  }
  box.addEventListener('change', (event) => {
    if (event.target.closest('details:not(#library)') || event.target.name === 'library') soon();
  });
  box.addEventListener('change', () => { if (history.state && history.state.fields) remember(); });
  box.addEventListener('submit', take);
  if (zone.value === 'UTC') {
    zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  }
  show();
  if (!note.querySelector('.error')) readCounts(); // an error of the server stays until the next preview
  const isChanged = (control) => {
    if (isTicked(control)) return control.checked !== control.defaultChecked;
    if (control.type !== 'select-one') return control.value !== control.defaultValue;
    return control.selectedIndex !== Math.max(0, [...control.options].findIndex((option) => option.defaultSelected));
  };
  const refresh = () => {
    for (const details of box.querySelectorAll('details:not(#library)')) { // what is sent is shown
      if ([...details.querySelectorAll('input, select, textarea')].some(isChanged)) details.open = true;
    }
    if (!isEmpty() && !preview.querySelector('.bars') && !box.querySelector('.error:not(#address-error)')) soon();
  };
  // a browser that goes back restores the other fields after this script has run
  window.addEventListener('pageshow', refresh);
  refresh();
})();
