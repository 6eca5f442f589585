/** Maximum size of a CloudFront function, bytes. It is enough for about 400 networks. */
const MAX_FUNCTION_BYTES = 10 * 1024

/**
 * Code of a CloudFront function that lets only viewers in some networks pass. CloudFront functions have no libraries and
 * no network access, so the networks are part of the code. CloudFront's runtime knows less of JavaScript than Node does:
 * it has no `for…of`, for example. A function that it cannot parse deploys, and then every request gets 503.
 *
 * @param cidrs IPv4 networks such as `192.0.2.0/24`
 * @throws Error that names the first invalid network, or says that there are too many networks
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
 */
export function viewerFilter(cidrs: readonly string[]): string {
  const networks = cidrs.map(cidr => {
    const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? []
    const parts = address.split('.').map(Number)
    if (parts.length !== 4 || parts.some(part => part > 255) || Number(bits) > 32) {
      throw new Error(`'${cidr}' is not an IPv4 network: write it like 192.0.2.0/24`)
    }
    return [numberOf(parts), 2 ** (32 - Number(bits))]
  })
  const code = `var networks = ${JSON.stringify(networks)};
function handler(event) {
  var parts = event.viewer.ip.split('.').map(Number);
  if (parts.length === 4) {
    var address = ((parts[0] * 256 + parts[1]) * 256 + parts[2]) * 256 + parts[3];
    for (var index = 0; index < networks.length; index++) {
      var start = networks[index][0];
      var size = networks[index][1];
      if (Math.floor(address / size) === Math.floor(start / size)) return event.request;
    }
  }
  return { statusCode: 403, statusDescription: 'Forbidden' };
}
`
  if (Buffer.byteLength(code) > MAX_FUNCTION_BYTES) {
    throw new Error(
      `${cidrs.length} networks do not fit into a CloudFront function of ${MAX_FUNCTION_BYTES} bytes: name fewer, larger networks`,
    )
  }
  return code
}

function numberOf(parts: readonly number[]): number {
  return parts.reduce((number, part) => number * 256 + part, 0)
}
