[...document.querySelectorAll('a,button,input,select,canvas,table,dialog[open],[role=region]')]
  .filter((it) => it.checkVisibility() && !it.closest('noscript'))
  .filter((it) => !(it.getAttribute('aria-label') || it.getAttribute('aria-labelledby') || it.textContent.trim() || it.labels?.length))
  .map((it) => it.outerHTML.slice(0, 120)).join('\n')
