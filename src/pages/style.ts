/** The one stylesheet, and the hash by which the content security policy knows it. */

import { createHash } from 'node:crypto'
import type { Brand } from './brand.ts'

export interface Style {
  readonly css: string
  /** As it stands in `style-src`. */
  readonly source: string
}

const styles = new WeakMap<Brand, Style>()

/** The stylesheet in the brand's colours; made once for each brand. */
export function styleOf(brand: Brand): Style {
  const known = styles.get(brand)
  if (known !== undefined) return known
  const css = `:root{--accent:${brand.color};--on-accent:${brand.onColor}}${CSS}`
  const style = {
    css,
    source: `'sha256-${createHash('sha256').update(css).digest('base64')}'`,
  }
  styles.set(brand, style)
  return style
}

/** The brand's colour is used for surfaces and borders only: as text it might not be readable. */
const CSS = `
:root{color-scheme:light dark;--page:#f3f4f7;--card:#fff;--text:#1b1f27;--muted:#596173;--line:#e0e3ea;--soft:#f6f7f9}
@media (prefers-color-scheme:dark){:root{--page:#111318;--card:#1b1e25;--text:#e9ebf0;--muted:#a2a9b8;--line:#31353f;--soft:#23262e}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--page);color:var(--text);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:1}
.frame{width:100%;max-width:34rem;margin:auto;padding:2rem 1rem;display:flex;flex-direction:column;gap:1.25rem}
.frame.wide{max-width:46rem;margin-top:0}
header{display:flex;align-items:center;gap:.65rem;padding:0 .25rem;font-weight:600;font-size:1.05rem}
header img,header svg{display:block;height:2rem;width:auto;max-width:9rem;flex:none}
main{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--accent);border-radius:12px;padding:2rem;
box-shadow:0 1px 2px rgb(0 0 0/.05),0 8px 24px rgb(0 0 0/.06)}
h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
h2{margin:2rem 0 .75rem;font-size:1rem;line-height:1.4;font-weight:650}
p{margin:0 0 1rem}
main>:last-child{margin-bottom:0}
.lead,.note{color:var(--muted)}
.note{font-size:.9rem}
a{color:inherit;text-decoration-color:var(--accent);text-decoration-thickness:2px;text-underline-offset:3px}
:focus-visible{outline:3px solid currentColor;outline-offset:3px;border-radius:4px}
dl{margin:1.5rem 0;border-top:1px solid var(--line)}
dl>div{display:grid;grid-template-columns:9rem 1fr;gap:.25rem 1rem;padding:.7rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--muted);font-size:.9rem;line-height:1.65}
dd{margin:0}
dd ul{margin:0;padding:0;list-style:none}
.sub{display:block;color:var(--muted);font-size:.9rem}
code{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
dd code,.tags li{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.05rem .4rem}
.actions{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;margin:1.5rem 0 0}
.button{display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.5rem 1.1rem;border-radius:8px;border:1px solid var(--line);
background:var(--soft);color:var(--text);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.button.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.button:hover{filter:brightness(.96)}
.button.main:hover{filter:brightness(1.08)}
.field label{display:block;font-weight:600;margin-bottom:.35rem}
.field input{width:100%;min-height:2.75rem;padding:.5rem .75rem;border-radius:8px;border:1px solid var(--muted);background:var(--card);color:var(--text);font:inherit}
.stack{list-style:none;margin:1.5rem 0 0;padding:0;display:grid;gap:.75rem}
.stack .button{display:flex;width:100%}
.apps{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.75rem}
.apps a{display:block;height:100%;padding:.85rem 1rem;background:var(--soft);border:1px solid var(--line);border-radius:8px;text-decoration:none}
.apps a:hover{border-color:var(--accent)}
.apps .app{display:block;height:2rem;max-width:100%;margin-bottom:.4rem;object-fit:contain}
.apps b{display:block;font-weight:600}
.tags{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.4rem;font-size:.875rem}
.sessions{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.sessions li{padding:.7rem 0;border-bottom:1px solid var(--line)}
.sessions form{float:right;margin:0 0 .3rem .8rem}
.sessions .button{padding:.3rem .8rem;font-size:.875rem}
.badge{display:inline-block;margin-left:.4rem;padding:0 .5rem;border:1px solid var(--accent);border-radius:1rem;font-size:.8rem}
summary{cursor:pointer;margin-bottom:.5rem}
footer{padding:0 .25rem;color:var(--muted);font-size:.8rem;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
@media (max-width:30rem){.frame{padding:1rem .75rem}main{padding:1.35rem 1.15rem}dl>div{grid-template-columns:1fr}.actions .button{width:100%}}
@media (forced-colors:active){.button,main{border:1px solid}}
@media print{main{box-shadow:none}.actions,.skip{display:none}}
`.replaceAll('\n', '')
