/** HTML of the operator's pages. As in templates.ts `<%= %>` escapes; tables carry headers, wide ones scroll by themselves. */

export const OPERATOR_NAV = `
<nav class="tabs" aria-label="<%= it.t.nav %>">
<ul>
<% for (const tab of it.tabs) { %><li><a href="<%= tab.href %>"<% if (tab.current) { %> aria-current="page"<% } %>><%= tab.text %></a></li>
<% } %>
</ul>
</nav>`

const FILTER = `
<form method="get" action="<%= it.action %>" role="search" class="filter">
<label for="q" class="hidden"><%= it.filterLabel %></label>
<input id="q" name="q" type="search" value="<%= it.query %>" maxlength="200" placeholder="<%= it.filterLabel %>" autocomplete="off" spellcheck="false">
<button class="button" type="submit"><%= it.t.filter %></button>
</form>`

const PAGER = `
<% if (it.pager) { %>
<nav class="pager" aria-label="<%= it.t.pages %>">
<% if (it.pager.previous) { %><a class="button" rel="prev" href="<%= it.pager.previous %>"><%= it.t.previous %></a><% } %>
<span><%= it.pager.text %></span>
<% if (it.pager.next) { %><a class="button" rel="next" href="<%= it.pager.next %>"><%= it.t.next %></a><% } %>
</nav>
<% } %>`

const FACTS = `
<dl>
<% for (const fact of facts) { %><div><dt><%= fact.name %></dt><dd><% if (fact.mark) { %><span class="mark <%= fact.mark %>"><%= fact.text %></span><% } else { %><%= fact.text %><% } %><% if (fact.sub) { %><span class="sub"><%= fact.sub %></span><% } %></dd></div>
<% } %>
</dl>`

/** Several cards of facts, and the table of providers. */
export const OPERATOR_OVERVIEW = `
<% for (const card of it.cards) { %>
<section class="card half" aria-labelledby="<%= card.id %>">
<h2 id="<%= card.id %>"><%= card.title %></h2>
<% if (card.problem) { %><div class="problem"><p><%= card.problem.text %></p><p><code><%= card.problem.place %></code></p><p><%= card.problem.message %></p></div><% } %>
<% { const facts = card.facts; %>${FACTS}<% } %>
</section>
<% } %>
<section class="card" aria-labelledby="providers">
<h2 id="providers"><%= it.t.providers %></h2>
<% if (it.providers.length === 0) { %><p class="empty"><%= it.t.noProviders %></p><% } else { %>
<div class="scroll" tabindex="0" role="group" aria-labelledby="providers">
<table>
<thead><tr><th scope="col"><%= it.t.provider %></th><th scope="col"><%= it.t.issuer %></th><th scope="col"><%= it.t.state %></th><th scope="col"><%= it.t.directory %></th></tr></thead>
<tbody>
<% for (const provider of it.providers) { %><tr><th scope="row"><%= provider.name %></th><td><%= provider.issuer %><span class="sub"><%= it.t.loginUrl(provider.loginUrl) %></span></td>
<td><span class="mark <%= provider.mark %>"><%= provider.state %></span><% if (provider.error) { %><span class="sub"><%= provider.error %></span><% } %></td>
<td><% if (provider.directory) { %><span class="mark <%= provider.directory.mark %>"><%= provider.directory.state %></span><% for (const line of provider.directory.lines) { %><span class="sub"><%= line %></span><% } %><% } else { %><span class="sub"><%= it.t.noDirectory %></span><% } %></td></tr>
<% } %>
</tbody>
</table>
</div>
<% } %>
</section>
`

export const OPERATOR_DECISIONS = `
<section class="card" aria-labelledby="list">
<div class="bar"><h2 id="list"><%= it.count %></h2>${FILTER}</div>
<p class="note"><%= it.t.decisionsText %></p>
<% if (it.rows.length === 0) { %><p class="empty"><%= it.t.noDecisions %></p><% } else { %>
<div class="scroll" tabindex="0" role="group" aria-labelledby="list">
<table>
<thead><tr><th scope="col"><%= it.t.time %></th><th scope="col"><%= it.t.who %></th><th scope="col"><%= it.t.request %></th><th scope="col"><%= it.t.outcome %></th><th scope="col"><%= it.t.rule %></th><th scope="col"><%= it.t.status %></th><th scope="col"><span class="hidden"><%= it.t.why %></span></th></tr></thead>
<tbody>
<% for (const row of it.rows) { %><tr><td class="thin"><time datetime="<%= row.iso %>"><%= row.time %></time></td><td><%= row.who %></td><td><code><%= row.method %></code> <%= row.host %><span class="sub path"><%= row.path %></span></td><td><span class="mark <%= row.mark %>"><%= row.outcome %></span><% if (row.reason) { %><span class="sub"><%= row.reason %></span><% } %></td><td><%= row.rule %></td><td><%= row.status %></td><td><a href="<%= row.whyUrl %>" aria-label="<%= row.whyLabel %>"><%= it.t.why %></a></td></tr>
<% } %>
</tbody>
</table>
</div>
<% } %>
${PAGER}
</section>
`

export const OPERATOR_WHY = `
<% if (it.message) { %><p class="card"><%= it.message %></p><% } else { %>
<section class="card half" aria-labelledby="then"><h2 id="then"><%= it.t.asLogged %></h2>
<% { const facts = it.logged; %>${FACTS}<% } %></section>
<section class="card half" aria-labelledby="now"><h2 id="now"><%= it.t.judgedNow %></h2>
<p class="note"><%= it.version %></p>
<% { const facts = it.judged; %>${FACTS}<% } %></section>
<% if (it.rules) { %>
<section class="card" aria-labelledby="rules"><h2 id="rules"><%= it.t.rules %></h2>
<p class="note"><%= it.t.notInLog %></p>
<% if (it.rules.length === 0) { %><p class="empty"><%= it.t.noRules %></p><% } else { %>
<ol class="trace">
<% for (const line of it.rules) { %><li class="d<%= line.depth %>"><span class="mark <%= line.mark %>"><%= line.value %></span> <code><%= line.text %></code><% if (line.note) { %> <span class="note"><%= line.note %></span><% } %> <span class="place"><%= line.place %></span></li>
<% } %>
</ol>
<% } %>
</section>
<% } %>
<% } %>
`

export const OPERATOR_SESSIONS = `
<section class="card" aria-labelledby="list">
<div class="bar"><h2 id="list"><%= it.count %></h2>${FILTER}</div>
<% if (it.done) { %><p class="done" role="status"><%= it.done %></p><% } %>
<% if (it.problem) { %><p class="problem" role="alert"><%= it.problem %></p><% } else { %>
<p class="note"><%= it.t.sessionsText %></p>
<% if (it.rows.length === 0) { %><p class="empty"><%= it.t.noSessions %></p><% } else { %>
<div class="scroll" tabindex="0" role="group" aria-labelledby="list">
<table>
<thead><tr><th scope="col"><%= it.t.who %></th><th scope="col"><%= it.t.device %></th><th scope="col"><%= it.t.signedIn %></th><th scope="col"><%= it.t.lastSeen %></th><th scope="col"><%= it.t.ends %></th><th scope="col"><span class="hidden"><%= it.t.action %></span></th></tr></thead>
<tbody>
<% for (const row of it.rows) { %><tr><th scope="row"><%= row.who %><span class="sub"><%= row.detail %></span></th><td class="thin"><%= row.device %><span class="sub"><%= row.address %></span></td><td class="thin"><time datetime="<%= row.signedIn.iso %>"><%= row.signedIn.text %></time></td><td class="thin"><time datetime="<%= row.lastSeen.iso %>"><%= row.lastSeen.text %></time></td><td class="thin"><time datetime="<%= row.ends.iso %>"><%= row.ends.text %></time></td>
<td><form method="post" action="<%= it.action %>"><input type="hidden" name="id" value="<%= row.id %>"><input type="hidden" name="q" value="<%= it.query %>"><button class="button small" type="submit" aria-label="<%= row.endLabel %>"><%= it.t.end %></button></form></td></tr>
<% } %>
</tbody>
</table>
</div>
<% } %>
${PAGER}
<% if (it.endAll) { %>
<form method="post" action="<%= it.action %>"><input type="hidden" name="user" value="<%= it.endAll.user %>"><p class="actions"><button class="button" type="submit"><%= it.endAll.text %></button></p></form>
<% } %>
<% } %>
</section>
`

export const OPERATOR_MATRIX = `
<section class="card" aria-labelledby="list">
<div class="bar"><h2 id="list"><%= it.t.matrix %></h2>${FILTER}</div>
<p class="note"><%= it.t.policiesText %></p>
<% if (it.problems.length > 0) { %><div class="problem"><p><%= it.t.badSubjects %></p><% for (const problem of it.problems) { %><p><code><%= problem %></code></p><% } %></div><% } %>
<% if (it.people.length === 0) { %><p class="empty"><%= it.t.noSubjects %></p><% } else if (it.rows.length === 0) { %><p class="empty"><%= it.t.noRoutes %></p><% } else { %>
<div class="scroll" tabindex="0" role="group" aria-labelledby="list">
<table>
<thead><tr><th scope="col"><%= it.t.route %></th><% for (const person of it.people) { %><th scope="col"><%= person %></th><% } %></tr></thead>
<tbody>
<% for (const row of it.rows) { %><tr><th scope="row"><%= row.name %><span class="sub"><%= row.from %></span></th><% for (const cell of row.cells) { %><td><span class="mark <%= cell.mark %>"><%= cell.text %></span><% if (cell.rule) { %><span class="sub"><%= cell.rule %></span><% } %></td><% } %></tr>
<% } %>
</tbody>
</table>
</div>
<% } %>
<% if (it.more) { %><p class="note"><%= it.more %></p><% } %>
${PAGER}
</section>
`
