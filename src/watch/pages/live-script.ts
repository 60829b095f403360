/**
 * The page's only script: it asks for the page again when the server says that something changed, and exchanges the
 * parts that differ. Everything works without it. As text, because it runs in the browser and not here.
 */
export const liveScript = `'use strict'
const label = document.getElementById('live')
const say = (text) => { label.hidden = false; label.textContent = text }

const keyOf = (element) => element.id || element.getAttribute('name') + '=' + element.value

// What a part says, without how long ago: that changes by itself, and is no news.
const said = (part) => part.className.replace(/ ?fresh/, '') + part.innerHTML.replace(/(<time[^>]*>)[^<]*/g, '$1')

function exchange(old, fresh) {
  if (said(old) === said(fresh)) return
  const checked = new Set([...old.querySelectorAll('input:checked')].map(keyOf))
  const opened = new Map([...old.querySelectorAll('details[id]')].map((one) => [one.id, one.open]))
  const focused = old.contains(document.activeElement) ? document.activeElement : null
  const again = focused && { id: focused.id, href: focused.getAttribute('href'), key: keyOf(focused) }
  old.className = fresh.className
  old.replaceChildren(...fresh.childNodes)
  for (const box of old.querySelectorAll('input[type=checkbox]')) box.checked = checked.has(keyOf(box))
  for (const one of old.querySelectorAll('details[id]')) if (opened.has(one.id)) one.open = opened.get(one.id)
  if (again) {
    const same = [...old.querySelectorAll('a, input, button, summary')].find((one) =>
      again.id ? one.id === again.id : again.href ? one.getAttribute('href') === again.href : keyOf(one) === again.key)
    if (same) same.focus({ preventScroll: true })
  }
  if (old.getAttribute('role') !== 'status') {
    old.classList.remove('fresh')
    void old.offsetWidth
    old.classList.add('fresh')
  }
}

let loading = false
let stale = false
async function refresh() {
  if (loading) { stale = true; return }
  loading = true
  try {
    do {
      stale = false
      const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' })
      if (!answer.ok) throw new Error(String(answer.status))
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
      for (const old of document.querySelectorAll('[data-part]')) {
        const part = fresh.querySelector('[data-part="' + old.dataset.part + '"]')
        if (part) exchange(old, part)
      }
    } while (stale)
    say('Live')
  } catch {
    say('Not live: load the page again')
  } finally {
    loading = false
  }
}

const ago = (seconds) =>
  seconds < 60 ? seconds + ' s ago'
  : seconds < 3600 ? Math.floor(seconds / 60) + ' min ago'
  : seconds < 86400 ? Math.floor(seconds / 3600) + ' h ago'
  : Math.floor(seconds / 86400) + ' days ago'
setInterval(() => {
  for (const time of document.querySelectorAll('time')) {
    if (!time.textContent.endsWith(' ago')) continue
    time.textContent = ago(Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000)))
  }
}, 5000)

const all = document.getElementById('all')
if (all) all.addEventListener('change', () => {
  for (const box of document.querySelectorAll('.alerts input[name=id]')) box.checked = all.checked
})

const events = new EventSource('/events')
events.addEventListener('changed', refresh)
let connected = false
events.onopen = () => { if (connected) refresh(); connected = true; say('Live') }
events.onerror = () => say('Connecting again …')
`
