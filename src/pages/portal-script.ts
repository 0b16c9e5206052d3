/** The one script: it asks for the list of sites anew while somebody types. Without it the form does the same. */

export const PORTAL_SCRIPT_PATH = '/.gatehouse/portal.js'

/** The list alone, as the script asks for it: `?part=sites`. */
export const SITES_PART = 'sites'

export const PORTAL_SCRIPT = `'use strict'
const form = document.getElementById('search')
const field = form.elements.namedItem('q')
const sites = document.getElementById('sites')
const count = document.getElementById('count')
let timer
let latest = 0

async function load() {
  const mine = ++latest
  const query = new URLSearchParams({ q: field.value })
  try {
    const answer = await fetch(form.action + '?' + query + '&part=${SITES_PART}')
    const html = answer.ok ? await answer.text() : undefined
    if (mine !== latest || html === undefined) return
    sites.innerHTML = html
    count.textContent = sites.firstElementChild.dataset.count
    history.replaceState(null, '', '?' + query)
  } catch {
    // The button still asks in the usual way.
  }
}

field.addEventListener('input', () => {
  clearTimeout(timer)
  timer = setTimeout(load, 150)
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  clearTimeout(timer)
  load()
})
`
