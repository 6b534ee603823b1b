[...document.querySelectorAll('main table:not(details *) :is(th, td)')]
  .filter((it) => it.checkVisibility() && it.scrollWidth > it.clientWidth && it.offsetWidth < 420)
  .map((it) => it.textContent).join('\n')
