import { test } from 'tap'
import { APP, AUTH, startEndpoints } from './start-endpoints.ts'

const rate = (count: number) => ({ count, seconds: 60 })
const RATES = { sign_in: rate(3), local_sign_in: rate(5), bearer_failures: rate(5) }

test('sign-ins begun too often are answered 429, until the minute is over', async (t) => {
  const fixture = await startEndpoints(t, { rates: RATES })
  const browser = fixture.browser()
  for (const url of [
    `${APP}/.gatehouse/sign_in?rd=/`,
    `${AUTH}/oauth2/callback?code=a&state=b`,
    `${APP}/.gatehouse/callback?code=a&state=b`,
  ]) {
    t.not((await browser.visit(url)).status, 429, url)
  }
  const page = await browser.visit(`${AUTH}/.gatehouse/sign_in?rd=/`)
  t.equal(page.status, 429)
  t.equal(page.headers['retry-after'], '60')
  t.match(page.headers['content-type'], 'text/html')
  t.match(page.body, /Too many attempts/)
  const json = await browser.send(`${AUTH}/oauth2/callback?code=a&state=b`, {
    headers: { accept: 'application/json' },
  })
  t.equal(json.status, 429)
  t.match(JSON.parse(json.body), { error: 'RATE_LIMITED', request_id: 'req-1' })
  t.equal((await browser.visit(`${APP}/.gatehouse/user`)).status, 401, 'nothing else is limited')

  fixture.clock.time += 60_000
  t.equal((await browser.visit(`${APP}/.gatehouse/sign_in?rd=/`)).status, 302)
})

test('so are front-channel logouts, which anybody can send and each of which the store keeps', async (t) => {
  const browser = (await startEndpoints(t, { rates: RATES })).browser()
  const url = (sid: number) => `${AUTH}/.gatehouse/frontchannel_logout/okta?iss=x&sid=${sid}`
  for (const sid of [1, 2, 3]) t.not((await browser.visit(url(sid))).status, 429)
  t.equal((await browser.visit(url(4))).status, 429)
})
