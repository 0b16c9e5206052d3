import { test } from 'tap'
import { startOkta } from '../../support/start-okta.ts'

test('groups of a user come with ids, names and rate limits', async (t) => {
  const okta = await startOkta(t)
  const answer = await fetch(`${okta.org}/api/v1/users/demo-chris/groups`, {
    headers: { authorization: `SSWS ${okta.apiToken}` },
  })
  t.equal(answer.status, 200)
  const groups = (await answer.json()) as { id: string; profile: { name: string } }[]
  t.same(
    groups.map(({ profile }) => profile.name),
    ['Everyone', 'platform-engineers', 'data-science'],
  )
  t.match(groups[1]?.id, /^00g/)
  t.equal(answer.headers.get('x-rate-limit-limit'), '1200')
  t.equal(answer.headers.get('x-rate-limit-remaining'), '1199')
  t.ok(answer.headers.get('x-okta-request-id'))
})

test('pages are followed by Link, to the end', async (t) => {
  const okta = await startOkta(t, { userGroupsPage: 2 })
  for (let i = 0; i < 6; i++) okta.world.addToGroup('ana', `group-${i}`)
  const names: string[] = []
  let url: string | undefined = `${okta.org}/api/v1/users/demo-ana/groups`
  let pages = 0
  while (url !== undefined) {
    const answer: Response = await fetch(url, {
      headers: { authorization: `SSWS ${okta.apiToken}` },
    })
    const groups = (await answer.json()) as { profile: { name: string } }[]
    names.push(...groups.map(({ profile }) => profile.name))
    url = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
    pages++
  }
  t.equal(pages, 4)
  t.equal(names.length, 8)
})

test('errors are those of Okta', async (t) => {
  const okta = await startOkta(t)
  const ask = async (path: string, token = okta.apiToken, method = 'GET') => {
    const answer = await fetch(`${okta.org}${path}`, {
      method,
      headers: { authorization: `SSWS ${token}` },
    })
    return { status: answer.status, ...((await answer.json()) as { errorCode?: string }) }
  }
  t.match(await ask('/api/v1/users/nobody/groups'), { status: 404, errorCode: 'E0000007' })
  t.match(await ask('/api/v1/nothing'), { status: 404, errorCode: 'E0000008' })
  t.match(await ask('/api/v1/users/demo-ana', 'wrong'), { status: 401, errorCode: 'E0000011' })
  t.match(await ask('/api/v1/users/demo-ana', okta.apiToken, 'DELETE'), { status: 405 })
  t.match(await ask('/api/v1/groups?filter=colour%20eq%20%22red%22'), { errorCode: 'E0000031' })
})

test('a window that is used up is 429 until the minute is over', async (t) => {
  let time = 1_700_000_000_000
  const okta = await startOkta(t, { now: () => time, rateLimits: { other: 2 } })
  const ask = () =>
    fetch(`${okta.org}/api/v1/users/demo-ana/groups`, {
      headers: { authorization: `SSWS ${okta.apiToken}` },
    })
  t.equal((await ask()).status, 200)
  t.equal((await ask()).status, 200)
  const limited = await ask()
  t.equal(limited.status, 429)
  t.match(await limited.json(), { errorCode: 'E0000047' })
  t.equal(limited.headers.get('x-rate-limit-reset'), String(time / 1_000 + 60))
  time += 60_000
  t.equal((await ask()).status, 200)
})

test('groups are filtered by the time of their last change, and list their users', async (t) => {
  let time = 1_700_000_000_000
  const okta = await startOkta(t, { now: () => time })
  const since = new Date(time).toISOString()
  time += 1_000
  okta.world.removeFromGroup('chris', 'data-science')
  const headers = { authorization: `SSWS ${okta.apiToken}` }
  const filter = encodeURIComponent(`lastMembershipUpdated gt "${since}"`)
  const changed = await fetch(`${okta.org}/api/v1/groups?filter=${filter}`, { headers })
  const [group, ...others] = (await changed.json()) as { id: string; profile: { name: string } }[]
  t.equal(group?.profile.name, 'data-science')
  t.same(others, [])
  const users = await fetch(`${okta.org}/api/v1/groups/${group?.id}/users`, { headers })
  t.match(await users.json(), [{ id: 'demo-ben', status: 'ACTIVE' }])
})
