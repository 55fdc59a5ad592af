// Opens "Cite" for links to it, and adds a button that copies the BibTeX entry. Without this script the entry can be
// opened, selected and copied by hand.
(() => {
  'use strict';
  const entry = document.querySelector('pre[data-copy]');
  if (!entry) return;
  if (location.hash === '#cite') entry.closest('details').open = true;
  if (!navigator.clipboard) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quiet';
  button.textContent = entry.dataset.copy;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(entry.textContent);
    button.textContent = entry.dataset.copied;
    setTimeout(() => { button.textContent = entry.dataset.copy; }, 2000);
  });
  entry.after(button);
})();
