/** The brand: colours that can be read on, and a logo that travels with the page. */

import { test } from 'tap'
import type { BrandConfig } from '../../src/config/schema.ts'
import { brandOf } from '../../src/pages/brand.ts'
import { renderFailure } from '../../src/pages/failure.ts'
import { contactView } from '../../src/pages/views.ts'

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
const server = { public_url: 'https://auth.example.com' }
const loadBrand = (brand: BrandConfig) => brandOf({ config: { brand, server }, logo: undefined })
const notFound = { code: 'NO_ROUTE', requestId: 'r', form: 'page', head: false } as const

test('without any settings there is a name and a colour', async (t) => {
  t.match(loadBrand({}), { name: 'Gatehouse', color: '#2456c7', onColor: '#ffffff' })
})

for (const [color, onColor] of [
  ['#000000', '#ffffff'],
  ['#ffffff', '#000000'],
  ['#ffdd00', '#000000'],
  ['#0b5fff', '#ffffff'],
] as const) {
  test(`text on ${color} is ${onColor}`, async (t) => {
    t.equal(loadBrand({ color }).onColor, onColor)
  })
}

test('a colour that is no colour never reaches the stylesheet', async (t) => {
  const { body } = renderFailure(notFound, loadBrand({ color: 'red}</style><script>' }))
  t.notMatch(body, '<script>')
})

test('a logo is part of the page', async (t) => {
  const logo = { contentType: 'image/svg+xml', content: Buffer.from(SVG) } as const
  const brand = brandOf({ config: { brand: {}, server }, logo })
  const url = `data:image/svg+xml;base64,${Buffer.from(SVG).toString('base64')}`
  t.equal(brand.logo, url)
  t.match(renderFailure(notFound, brand).body, `<img src="${url}" alt="">`)
})

test('a large logo is loaded from public_url, and keeps pages small', async (t) => {
  const logo = { contentType: 'image/png', content: Buffer.alloc(200_000, 7) } as const
  const brand = brandOf({ config: { brand: {}, server }, logo })
  const { body, headers } = renderFailure(notFound, brand)
  t.match(body, /<img src="https:\/\/auth\.example\.com\/\.gatehouse\/logo\?v=[\w-]{12}" alt="">/)
  t.match(headers['content-security-policy'], 'img-src data: https://auth.example.com;')
  t.ok(body.length < 30_000)
})

test('a snapshot has one brand', async (t) => {
  const snapshot = { config: { brand: {}, server }, logo: undefined }
  t.equal(brandOf(snapshot), brandOf(snapshot))
})

const contacts = {
  'it-help@example.com': 'mailto:it-help@example.com',
  'https://help.example.com/x': 'https://help.example.com/x',
  'the desk on floor 3': undefined,
  'javascript:alert(1)': undefined,
  'a@b?body=x': undefined,
}
for (const [contact, href] of Object.entries(contacts)) {
  test(`contact ${contact} leads to ${href ?? 'no address'}`, async (t) => {
    t.same(contactView(contact), { text: contact, href })
  })
}
