/** Paths that change on their way upstream: by segment, by pattern, and never into something that was not canonical. */

import fc from 'fast-check'
import { RE2JS } from 're2js'
import { test } from 'tap'
import { canonicalPath } from '../../src/routing/canonical.ts'
import {
  encodePathText,
  type PathRewrite,
  rewritePattern,
  rewritePrefix,
  rewriteWhole,
  type SubstitutionPart,
} from '../../src/routing/path-rewrite.ts'

/** The path that `target` becomes, or why there is none. */
function rewrite(by: PathRewrite, target: string, keep = false): string {
  const path = canonicalPath(target, keep)
  if (path.kind === 'refused') throw new Error(path.detail)
  const result = by(path)
  return typeof result === 'string' ? result : `refused: ${result.detail}`
}

const PREFIXES: Readonly<Record<string, readonly [string, string, string, string]>> = {
  'a prefix makes room for another': ['/admin', '/internal', '/admin/x/y', '/internal/x/y'],
  'a prefix alone': ['/admin', '/internal', '/admin', '/internal'],
  'a prefix alone, to the top': ['/admin', '/', '/admin', '/'],
  'no slash is doubled': ['/admin', '/', '/admin/x', '/x'],
  'nor by a final slash': ['/admin', '/internal/', '/admin/x', '/internal/x'],
  'a final slash is the operator’s': ['/admin', '/internal/', '/admin', '/internal/'],
  'the slash at the end of a path stays': ['/admin', '/internal', '/admin/', '/internal/'],
  'a prefix with a final slash': ['/admin/', '/internal', '/admin/x', '/internal/x'],
  'the prefix of all': ['/', '/base', '/x', '/base/x'],
  'the prefix of all, at the top': ['/', '/base', '/', '/base/'],
  'a prefix in another spelling': ['/a b', '/c', '/a%20b/%C3%A9', '/c/%C3%A9'],
  'the rest keeps its encoding': ['/a', '/b', '/a/%3B;%25%3F', '/b/%3B;%25%3F'],
}

for (const [name, [prefix, by, target, expected]] of Object.entries(PREFIXES)) {
  test(name, async (t) => {
    t.equal(rewrite(rewritePrefix(prefix, by, false), target), expected)
  })
}

test('a kept slash is no segment', async (t) => {
  t.equal(rewrite(rewritePrefix('/a%2Fb', '/c', true), '/a%2fb/d%2Fe', true), '/c/d%2Fe')
})

test('a whole path becomes another', async (t) => {
  t.equal(rewrite(rewriteWhole('/new'), '/old'), '/new')
})

const PATTERNS: Readonly<Record<string, readonly [string, SubstitutionPart[], string, string]>> = {
  'groups in another order': [
    '^/service/([^/]+)(/.*)$',
    [2, '/instance/', 1],
    '/service/foo/v1/api',
    '/v1/api/instance/foo',
  ],
  'every match is replaced': ['one', ['two'], '/xx/one/yy/one/zz', '/xx/two/yy/two/zz'],
  'what does not match stays': ['^/api', ['/v2'], '/other%20x', '/other%20x'],
  'what is matched may go': ['-draft', [], '/a-draft/b', '/a/b'],
  'the whole match': ['/b', ['/x', 0], '/a/b', '/a/x/b'],
  'the pattern sees the decoded path': ['é', ['e'], '/caf%C3%A9', '/cafe'],
  'what is kept stays as it was encoded': [
    '^/a/(.*)$',
    ['/b/', 1],
    '/a/%3B;%20%C3%A9',
    '/b/%3B;%20%C3%A9',
  ],
  'characters beyond the first plane': [
    '^/(.)/(.*)$',
    ['/', 2, '/', 1],
    '/%F0%9F%98%80/x',
    '/x/%F0%9F%98%80',
  ],
  'a group that took no part is empty': ['^/(a)?(b)$', ['/', 1, 2], '/b', '/b'],
  'a match of nothing': [
    'x*',
    ['-'],
    '/a',
    'refused: the rewritten path does not begin with a slash',
  ],
  'an encoded percent sign is never decoded twice': [
    '^/(.*)$',
    ['/', 1],
    '/%252e%252e/x',
    '/%252e%252e/x',
  ],
  'no path that climbs': ['x', [], '/a/.x./b', 'refused: rewritten: dot segment in the path'],
  'no path that climbs, made of groups': [
    '^/(.+)-(.+)$',
    ['/', 1, 2],
    '/a/.-./b',
    'refused: rewritten: dot segment in the path',
  ],
  'no empty segment': ['b', [], '/a/b/c', 'refused: the rewritten path has an empty segment'],
  'no path without its slash': [
    '^/',
    [],
    '/a',
    'refused: the rewritten path does not begin with a slash',
  ],
  'no other host': [
    '^/(.*)$',
    ['//', 1],
    '/evil.example',
    'refused: the rewritten path has an empty segment',
  ],
  'no growth without end': [
    '.',
    Array(200).fill(0) as number[],
    `/${'a'.repeat(500)}`,
    'refused: the rewritten path is too long',
  ],
}

for (const [name, [pattern, substitution, target, expected]] of Object.entries(PATTERNS)) {
  test(name, async (t) => {
    const by = rewritePattern(RE2JS.compile(pattern), substitution, false)
    t.equal(rewrite(by, target), expected)
  })
}

test('with kept slashes a path that climbs between them is refused', async (t) => {
  const by = rewritePattern(RE2JS.compile('x'), [], true)
  t.match(rewrite(by, '/a%2F.x.%2Fb', true), 'refused: rewritten: dot segment')
  t.equal(rewrite(by, '/a%2Fx%2Fb', true), '/a%2F%2Fb')
})

test('plain text is encoded once', async (t) => {
  t.equal(encodePathText('/a b/é/%2F?#"<>', false), '/a%20b/%C3%A9/%252F%3F%23%22%3C%3E')
  t.equal(encodePathText('/a%2Fb%', true), '/a%2Fb%25')
})

test('whatever comes and whatever the pattern, what goes is canonical', async () => {
  const bits = fc.constantFrom(
    ...[
      'a',
      'b',
      '/',
      '.',
      '..',
      ';',
      '%2E',
      '%2e',
      '%252e',
      '%20',
      '%C3%A9',
      '%F0%9F%98%80',
      '%3B',
      '%25',
      '%2F',
      '%5C',
      '@',
      ':',
    ],
  )
  const targets = fc.array(bits, { maxLength: 12 }).map((parts) => `/${parts.join('')}`)
  const patterns = fc.constantFrom(
    'a',
    'b+',
    '^/',
    '[./]',
    '(.)(.)',
    '(a)|(b)',
    '.*',
    '%',
    '25',
    '2F',
    '',
  )
  const parts = fc.array(
    fc.constantFrom<SubstitutionPart>('/', '.', 'x', encodePathText('%', false), 0, 1),
    { maxLength: 4 },
  )
  fc.assert(
    fc.property(targets, patterns, parts, fc.boolean(), (target, pattern, substitution, keep) => {
      const path = canonicalPath(target, keep)
      if (path.kind === 'refused') return true
      const regex = RE2JS.compile(pattern)
      const known = substitution.filter(
        (part) => typeof part === 'string' || part <= regex.groupCount(),
      )
      const sent = rewritePattern(regex, known, keep)(path)
      if (typeof sent !== 'string') return true
      const again = canonicalPath(sent, keep)
      return (
        again.kind === 'path' &&
        again.encoded === sent &&
        !sent.includes('//') &&
        again.query === ''
      )
    }),
    { numRuns: 3_000 },
  )
  const same = rewritePattern(RE2JS.compile('(.)'), [1], false)
  fc.assert(
    fc.property(targets, (target) => {
      const path = canonicalPath(target, false)
      return path.kind === 'refused' || same(path) === path.encoded
    }),
    { numRuns: 2_000 },
  )
})
