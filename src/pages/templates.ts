/** The pages' HTML. `<%= %>` escapes; `<%~ %>` does not, and stands only where a finished part is taken. */

/** Landmarks, one heading, nothing fetched but logos and, on the own page, the one script. */
export const LAYOUT = `<!doctype html>
<html lang="<%= it.language %>">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title><%= it.title %> · <%= it.brand.name %></title>
<link rel="icon" href="data:,">
<style><%~ it.css %></style>
<% if (it.script) { %><script src="<%= it.script %>" defer></script><% } %>
</head>
<body>
<a class="skip" href="#content"><%= it.texts.skipToContent %></a>
<div class="frame<%= it.wide ? ' wide' : '' %>">
<header>
<% if (it.brand.logo) { %>
<img src="<%= it.brand.logo %>" alt="">
<% } else { %>
<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="<%= it.brand.color %>"/><path d="M8 25V14a8 8 0 0 1 16 0v11h-4V14a4 4 0 0 0-8 0v11z" fill="<%= it.brand.onColor %>"/></svg>
<% } %>
<span><%= it.brand.name %></span>
<%~ it.nav ?? '' %>
</header>
<main id="content" tabindex="-1">
<% if (it.eyebrow) { %><p class="eyebrow"><%= it.eyebrow %></p><% } %>
<h1><%= it.title %></h1>
<%~ it.body %>
</main>
<footer>
<% if (it.requestId) { %><span><%= it.texts.requestId %> <code><%= it.requestId %></code></span><% } %>
<% if (it.code) { %><span><%= it.status %> <%= it.code %></span><% } %>
</footer>
</div>
</body>
</html>
`

const ACTIONS = `
<% if (it.actions.length > 0) { %>
<p class="actions">
<% for (const action of it.actions) { %><a class="button<%= action.main ? ' main' : '' %>" href="<%= action.href %>"><%= action.text %></a> <% } %>
</p>
<% } %>`

const PERSON = `
<dd><%= it.person.label %><% if (it.person.detail) { %><span class="sub"><%= it.person.detail %></span><% } %></dd>`

export const FAILURE = `
<p class="lead"><%= it.text %></p>
<% if (it.again) { %><p class="note"><%= it.again %></p><% } %>
<% if (it.down || it.person || it.site || it.rule || it.reason || it.missing.length > 0 || it.contact || it.shared) { %>
<dl>
<% if (it.person) { %><div><dt><%= it.texts.signedInAs %></dt>${PERSON}</div><% } %>
<% if (it.site) { %><div><dt><%= it.texts.site %></dt><dd><%= it.site %></dd></div><% } %>
<% if (it.rule) { %><div><dt><%= it.texts.rule %></dt><dd><code><%= it.rule %></code><% if (it.reason) { %><span class="sub"><%= it.reason %></span><% } %></dd></div>
<% } else if (it.down) { %><div><dt><%= it.texts.down %></dt><dd><%= it.down %></dd></div>
<% } else if (it.reason) { %><div><dt><%= it.texts.why %></dt><dd><%= it.reason %></dd></div><% } %>
<% if (it.missing.length > 0) { %><div><dt><%= it.texts.missing %></dt><dd><ul><% for (const item of it.missing) { %><li><%= item %></li><% } %></ul></dd></div><% } %>
<% if (it.contact) { %>
<div><dt><%= it.texts.askForHelp %></dt><dd><% if (it.contact.href) { %><a href="<%= it.contact.href %>"><%= it.contact.text %></a><% } else { %><%= it.contact.text %><% } %></dd></div>
<% } %>
<% if (it.shared) { %><div><dt><%= it.texts.requestId %></dt><dd><code><%= it.shared %></code><span class="sub"><%= it.texts.quoteRequestId %></span></dd></div><% } %>
</dl>
<% } %>
${ACTIONS}
`

export const CHOOSER = `
<p class="lead"><%= it.text %></p>
<% if (it.byEmail) { %>
<form method="get" action="<%= it.byEmail.action %>">
<% for (const [name, value] of it.byEmail.fields) { %><input type="hidden" name="<%= name %>" value="<%= value %>"><% } %>
<p class="field"><label for="email"><%= it.texts.email %></label>
<input id="email" name="login_hint" type="email" autocomplete="username" required maxlength="256"<% if (it.note) { %> aria-describedby="note"<% } %>></p>
<% if (it.note) { %><p class="note" id="note"><%= it.note %></p><% } %>
<p class="actions"><button class="button main" type="submit"><%= it.texts.continue %></button></p>
</form>
<p class="or"><span><%= it.texts.orChoose %></span></p>
<% } %>
<nav aria-label="<%= it.title %>">
<ul class="stack">
<% for (const choice of it.choices) { %><li><a class="button<%= it.byEmail ? '' : ' main' %>" href="<%= choice.href %>"><%= choice.text %></a></li>
<% } %>
</ul>
</nav>
<% if (it.local) { %><p class="aside"><a href="<%= it.local.href %>"><%= it.local.text %></a></p><% } %>
`

export const LOCAL_SIGN_IN = `
<p class="lead"><%= it.text %></p>
<% if (it.problem) { %><p class="problem" id="note" role="alert"><%= it.problem %></p><% } %>
<form method="post" action="<%= it.action %>">
<input type="hidden" name="rd" value="<%= it.returnTo %>">
<p class="field"><label for="name"><%= it.texts.localName %></label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64"<% if (it.problem) { %> aria-describedby="note"<% } %>></p>
<p class="field"><label for="password"><%= it.texts.localPassword %></label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"></p>
<p class="actions"><button class="button main" type="submit"><%= it.texts.signIn %></button></p>
</form>
`

export const MESSAGE = `
<p class="lead"><%= it.text %></p>
${ACTIONS}
`

export const SIGN_OUT_QUESTION = `
<p class="lead"><%= it.text %></p>
<dl><div><dt><%= it.texts.signedInAs %></dt>${PERSON}</div></dl>
<form method="post" action="<%= it.action %>">
<% if (it.returnTo) { %><input type="hidden" name="rd" value="<%= it.returnTo %>"><% } %>
<p class="actions"><button class="button main" type="submit"><%= it.texts.signOut %></button>
<a class="button" href="<%= it.stayUrl %>"><%= it.texts.stay %></a></p>
</form>
`

/** Also a part by itself, for the script. */
export const SITES = `
<% if (it.sites.length > 0) { %>
<ul class="apps" data-count="<%= it.count %>">
<% for (const site of it.sites) { %><li><a href="<%= site.href %>"><% if (site.logo) { %><img class="tile" src="<%= site.logo %>" alt="" referrerpolicy="no-referrer"><% } else { %><span class="tile" aria-hidden="true"><%= site.initials %></span><% } %><span><b><%= site.name %></b><span class="sub"><%= site.detail %></span></span></a></li>
<% } %>
</ul>
<% } else { %><p class="empty" data-count="<%= it.count %>"><%= it.none %></p><% } %>
<% if (it.page) { %>
<nav class="pager" aria-label="<%= it.texts.pagesOfSites %>">
<% if (it.previous) { %><a class="button" rel="prev" href="<%= it.previous %>"><%= it.texts.previous %></a><% } %>
<span><%= it.page %></span>
<% if (it.next) { %><a class="button" rel="next" href="<%= it.next %>"><%= it.texts.next %></a><% } %>
</nav>
<% } %>
`

export const PORTAL = `
<section aria-label="<%= it.texts.yourAccount %>" class="card who">
<span class="tile round" aria-hidden="true"><%= it.initials %></span>
<p><b><%= it.person.label %></b><% if (it.person.detail) { %><span class="sub"><%= it.person.detail %></span><% } %></p>
<p class="actions"><a class="button" href="<%= it.switchUrl %>"><%= it.texts.switchAccount %></a> <a class="button" href="<%= it.signOutUrl %>"><%= it.texts.signOut %></a></p>
</section>
<section aria-labelledby="apps" class="card">
<div class="bar">
<h2 id="apps"><%= it.texts.apps %></h2>
<form method="get" action="<%= it.ownUrl %>" id="search" role="search">
<label for="q" class="hidden"><%= it.texts.searchSites %></label>
<input id="q" name="q" type="search" value="<%= it.query %>" maxlength="100" placeholder="<%= it.texts.searchSites %>" autocomplete="off" spellcheck="false">
<button class="button" type="submit"><%= it.texts.search %></button>
</form>
</div>
<p class="note" id="count" role="status"><%= it.count %></p>
<div id="sites"><%~ it.part %></div>
</section>
<section aria-labelledby="groups" class="card half">
<h2 id="groups"><%= it.texts.groups %></h2>
<% if (it.groups.length === 0) { %><p class="note"><%= it.texts.noGroups %></p>
<% } else { %><ul class="tags"><% for (const group of it.groups) { %><li><%= group %></li> <% } %></ul><% } %>
<% if (it.otherGroups > 0) { %><p class="note"><a href="<%= it.userUrl %>"><%= it.texts.otherGroups(it.otherGroups) %></a></p><% } %>
<% if (!it.groupsComplete) { %><p class="note"><%= it.texts.groupsIncomplete %></p><% } %>
</section>
<section aria-labelledby="sessions" class="card half">
<h2 id="sessions"><%= it.texts.sessions %></h2>
<ul class="sessions">
<% for (const session of it.sessions) { %>
<li><form method="post" action="<%= it.signOutUrl %>"><input type="hidden" name="session" value="<%= session.id %>"><button class="button small" type="submit" aria-label="<%= it.texts.signOut %>: <%= session.browser %>, <%= session.address %>"><%= it.texts.signOut %></button></form>
<b><%= session.browser %></b><% if (session.current) { %> <span class="badge"><%= it.texts.currentSession %></span><% } %>
<span class="sub"><%= session.address %></span>
<span class="sub"><%= it.texts.signedInAt %> <time datetime="<%= session.signedInAt.iso %>"><%= session.signedInAt.text %></time></span>
<span class="sub"><%= it.texts.lastSeen %> <time datetime="<%= session.lastSeenAt.iso %>"><%= session.lastSeenAt.text %></time>, <%= it.texts.until %> <time datetime="<%= session.expiresAt.iso %>"><%= session.expiresAt.text %></time></span></li>
<% } %>
</ul>
<% if (it.otherSessions > 0) { %><p class="note"><%= it.texts.otherSessions(it.otherSessions) %></p><% } %>
<form method="post" action="<%= it.signOutUrl %>"><input type="hidden" name="everywhere" value="true">
<p class="actions"><button class="button" type="submit"><%= it.texts.signOutEverywhere %></button></p>
</form>
</section>
`
