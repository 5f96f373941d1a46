// The pages to play with: each tells us how tall it is, and we tell it which look is on
const tell = () => document.querySelectorAll('iframe').forEach(frame =>
  frame.contentWindow.postMessage({theme: document.documentElement.dataset.theme}, '*'));
addEventListener('message', ({data, source}) => document.querySelectorAll('iframe').forEach(frame => {
  if (frame.contentWindow === source && data?.height > 0) frame.style.height = `${data.height}px`;
}));
document.addEventListener('load', tell, true);  // the frames', too
tell();
new MutationObserver(tell).observe(document.documentElement, {attributeFilter: ['data-theme']});

// On paper, nothing stays folded
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(fold => { fold.open = true; }));

// These two have labels that don't say what's written on them
document.querySelectorAll('.cell summary, .navbar-persistent--container button').forEach(named => named.removeAttribute('aria-label'));

// Without a server, the search cannot look into pages for what to quote
if (location.protocol === 'file:') DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
