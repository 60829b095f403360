import { type Check, eachImage } from '../check.ts'

export const check: Check = {
  id: 'image-user',
  cis: '4.1',
  area: 'images',
  severity: 'low',
  title: 'The image names a user that is not root',
  flaw: 'An image runs as root where nobody says otherwise',
  why: 'An image without USER runs as root wherever nobody thought of it.',
  judge: (facts) =>
    eachImage(facts, ({ user }) =>
      ['', '0', 'root'].includes(user.split(':')[0] ?? '')
        ? { evidence: user === '' ? 'no USER' : `USER ${user}`, remedy: 'add USER to its Dockerfile' }
        : null,
    ),
}
