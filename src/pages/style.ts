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
:root{color-scheme:light dark;--page:#f4f5f8;--card:#fff;--text:#171b24;--muted:#555d6e;--line:#dfe2ea;--edge:#878fa1;--soft:#f4f5f8;
--good:#0b6b3a;--bad:#b3261e;--warn:#7a4d00;--shade:0 1px 2px rgb(16 24 40/.06),0 6px 20px rgb(16 24 40/.05)}
@media (prefers-color-scheme:dark){:root{--page:#0f1217;--card:#181c23;--text:#e8ebf1;--muted:#a3abba;--line:#2c323d;--edge:#767e8e;--soft:#20252e;
--good:#6fd6a0;--bad:#ff9a92;--warn:#f0c170;--shade:none}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--page);color:var(--text);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:1}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.frame{width:100%;max-width:35rem;margin:auto;padding:2.5rem 1rem;display:flex;flex-direction:column;gap:1.25rem}
.frame.wide{max-width:64rem;margin-top:0}
header{display:flex;align-items:center;gap:.7rem;padding:0 .25rem;font-weight:600;font-size:1.05rem}
header img,header svg{display:block;height:2rem;width:auto;max-width:9rem;flex:none}
main,.card{background:var(--card);border:1px solid var(--line);border-radius:14px;box-shadow:var(--shade)}
main{padding:2.5rem 2.25rem 2.25rem;background:linear-gradient(var(--accent),var(--accent)) top/100% 4px no-repeat,var(--card)}
main:focus{outline:none}
.wide main{padding:0;border:0;background:none;box-shadow:none;display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.25rem;align-items:start}
.wide main>*{grid-column:1/-1}
.wide main>.half{grid-column:auto}
.card{padding:1.5rem 1.75rem}
.eyebrow{margin:0 0 .35rem;color:var(--muted);font-size:.8125rem;font-weight:600;letter-spacing:.06em;text-transform:uppercase}
h1{margin:0 0 .6rem;font-size:1.625rem;line-height:1.25;font-weight:650;letter-spacing:-.015em;text-wrap:balance}
.wide h1{margin:.75rem .25rem 0}
h2{margin:0 0 .9rem;font-size:1.0625rem;line-height:1.4;font-weight:650}
p{margin:0 0 1rem}
main>:last-child,.card>:last-child,form>:last-child{margin-bottom:0}
.lead{color:var(--muted);font-size:1.0625rem}
.note,.sub{color:var(--muted);font-size:.875rem}
.sub{display:block}
.aside{margin:1.5rem 0 0;text-align:center;font-size:.9rem}
.problem{padding:.75rem 1rem;border:1px solid var(--bad);border-left-width:4px;border-radius:8px}
.empty{padding:2rem 1rem;text-align:center;color:var(--muted);border:1px dashed var(--line);border-radius:10px}
a{color:inherit;text-decoration-color:var(--accent);text-decoration-thickness:2px;text-underline-offset:3px}
:focus-visible{outline:3px solid var(--text);outline-offset:2px;border-radius:6px}
dl{margin:1.5rem 0;border-top:1px solid var(--line)}
dl>div{display:grid;grid-template-columns:9rem minmax(0,1fr);gap:.15rem 1rem;padding:.75rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--muted);font-size:.875rem;line-height:1.75}
dd{margin:0}
dd ul{margin:0;padding:0;list-style:none}
code{font:.875em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
footer code,dd code{user-select:all;-webkit-user-select:all}
dd code,.tags li{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.1rem .45rem}
.actions{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;margin:1.75rem 0 0}
.button{display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.5rem 1.15rem;border-radius:9px;border:1px solid var(--edge);
background:var(--card);color:var(--text);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.button.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.button:hover{background:var(--soft)}
.button.main:hover{background:var(--accent);box-shadow:inset 0 0 0 99px rgb(127 127 127/.12)}
.button.small{min-height:2rem;padding:.2rem .8rem;font-size:.875rem}
input,select{min-height:2.75rem;padding:.5rem .8rem;border-radius:9px;border:1px solid var(--edge);background:var(--card);color:var(--text);font:inherit}
::placeholder{color:var(--muted);opacity:1}
.field label{display:block;font-weight:600;margin-bottom:.35rem}
.field input{width:100%}
.or{display:flex;align-items:center;gap:1rem;margin:1.75rem 0 1.25rem;color:var(--muted);font-size:.875rem}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
.stack{list-style:none;margin:1.5rem 0 0;padding:0;display:grid;gap:.75rem}
.stack .button{display:flex;width:100%}
.or+nav .stack{margin-top:0}
.who{display:flex;flex-wrap:wrap;align-items:center;gap:1rem}
.who p{margin:0;flex:1 1 14rem}
.who .actions{flex:0 1 auto}
.tile{flex:none;display:grid;place-items:center;width:2.5rem;height:2.5rem;border-radius:9px;background:var(--soft);border:1px solid var(--line);color:var(--muted);
font-weight:650;font-size:.875rem;object-fit:contain}
.tile.round{border-radius:50%;background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.75rem 1.5rem;margin-bottom:.5rem}
.bar h2{margin:0}
.bar form{display:flex;flex:0 1 24rem;min-width:0;gap:.5rem}
.bar input,.bar select{flex:1;min-width:0}
.apps{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17.5rem),1fr));gap:.75rem}
.apps a{display:flex;gap:.85rem;align-items:flex-start;height:100%;padding:.9rem 1rem;border:1px solid var(--line);border-radius:11px;text-decoration:none}
.apps a:hover{border-color:var(--edge);background:var(--soft)}
.apps b{display:block;font-weight:600;line-height:1.35}
.apps .sub{line-height:1.4;margin-top:.15rem}
.pager{display:flex;flex-wrap:wrap;align-items:center;justify-content:center;gap:1rem;margin-top:1.25rem;font-size:.9rem}
.tags{list-style:none;margin:0 0 1rem;padding:0;display:flex;flex-wrap:wrap;gap:.4rem;font-size:.875rem}
.sessions{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.sessions li{padding:.8rem 0;border-bottom:1px solid var(--line)}
.sessions b{font-weight:600}
.sessions form{float:right;margin:0 0 .3rem .8rem}
.badge{display:inline-block;margin-left:.35rem;padding:0 .55rem;border:1px solid var(--accent);border-radius:1rem;font-size:.8rem}
footer{padding:0 .25rem;color:var(--muted);font-size:.8125rem;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
header .tabs{margin-left:auto;font-weight:500;font-size:.95rem}
.tabs ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem}
.tabs a{display:block;padding:.45rem .8rem;border-radius:9px;text-decoration:none;color:var(--muted)}
.tabs a:hover{color:var(--text);background:var(--card)}
.tabs [aria-current]{color:var(--text);background:var(--card);box-shadow:inset 0 0 0 1px var(--line)}
.card dl{margin:0}
.card dl>div:last-child{border-bottom:0;padding-bottom:0}
.problem p{margin:0 0 .35rem}
.problem+dl{margin-top:1rem}
.done{padding:.75rem 1rem;border:1px solid var(--good);border-left-width:4px;border-radius:8px}
.scroll{position:relative;overflow-x:auto;overflow-wrap:normal}
table{width:100%;min-width:40rem;border-collapse:collapse;font-size:.9rem}
th,td{padding:.65rem .9rem .65rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--muted);font-size:.8125rem;font-weight:600;white-space:nowrap}
tbody th{font-weight:600}
tbody th .sub{font-weight:400}
.thin{white-space:nowrap;font-variant-numeric:tabular-nums}
.path{max-width:22rem;overflow-wrap:anywhere}
.mark{font-weight:600}
td .mark{white-space:nowrap}
.mark.good{color:var(--good)}.mark.bad{color:var(--bad)}.mark.warn{color:var(--warn)}.mark.plain{color:var(--muted)}
.trace{list-style:none;margin:0;padding:0;font-size:.9rem}
.trace li{padding:.4rem 0 .4rem .9rem;border-left:2px solid var(--line);display:flex;flex-wrap:wrap;gap:.15rem .7rem;align-items:baseline}
.trace .mark{min-width:4.6rem}
.trace .note{margin:0}
.trace .place{margin-left:auto;color:var(--muted);font-size:.8125rem}
.trace .d0{border-left-color:var(--accent);margin-top:.9rem;font-weight:600}
.d1{margin-left:1.2rem}.d2{margin-left:2.4rem}.d3{margin-left:3.6rem}.d4{margin-left:4.8rem}.d5{margin-left:6rem}.d6{margin-left:7.2rem}
@media (max-width:44rem){.wide main>.half{grid-column:1/-1}header:has(.tabs){flex-wrap:wrap}header .tabs{margin-left:0;width:100%}.trace .place{margin-left:0;width:100%}
.trace li{margin-left:0}.wide main>*{grid-column:1/-1}}
@media (max-width:30rem){.frame{padding:1.25rem .75rem}main{padding:1.5rem 1.25rem}.card{padding:1.25rem 1.1rem}dl>div{grid-template-columns:1fr}
.actions .button{width:100%}.who .actions{width:100%;margin-top:.25rem}.bar form{flex:1 1 100%}}
@media (forced-colors:active){.button,main,.card{border:1px solid}}
@media print{main,.card{box-shadow:none}.actions,.skip,.bar form{display:none}}
`.replaceAll('\n', '')
