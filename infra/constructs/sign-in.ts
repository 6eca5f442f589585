import { Duration, Stack } from 'aws-cdk-lib'
import { AuthorizationType, CognitoUserPoolsAuthorizer, type MethodOptions } from 'aws-cdk-lib/aws-apigateway'
import { type IUserPool, OAuthScope, UserPool, UserPoolClient } from 'aws-cdk-lib/aws-cognito'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import type { Construct } from 'constructs'
import type { Settings } from '../../web/settings.ts'
import type { Names } from '../names.ts'
import type { Stage } from '../stages.ts'

/** Path from which the page requests tokens. */
export const TOKEN_PATH = '/oauth2/token'

/** Options of API methods that read: who may read a stage. Where there is a CloudFront, only it has the origin key. */
export function readAuthorization(scope: Construct, { name, reads, cloudFront }: Stage, names: Names): MethodOptions {
  if (reads.access === 'allowlist' && !cloudFront) {
    throw new Error(`the stage ${name} has an allowlist, which CloudFront checks, but cloudFront is false`)
  }
  return {
    apiKeyRequired: cloudFront,
    ...(reads.access === 'cognito' && {
      authorizationType: AuthorizationType.COGNITO,
      authorizer: new CognitoUserPoolsAuthorizer(scope, 'SignedIn', { cognitoUserPools: [userPool(scope, names)] }),
      // With a scope API Gateway takes access tokens instead of id tokens.
      authorizationScopes: [OAuthScope.OPENID.scopeName],
    }),
  }
}

/** User pool of the state stack, imported once. */
function userPool(scope: Construct, names: Names): IUserPool {
  const found = scope.node.tryFindChild('UserPool')
  if (found) return found as IUserPool
  const id = StringParameter.valueForStringParameter(scope, names.userPoolParameter)
  return UserPool.fromUserPoolId(scope, 'UserPool', id)
}

/** Page settings for signing in. Other settings keep the defaults of the page. */
export function signInSettings(scope: Construct, names: Names, pageDomain: string): Partial<Settings> {
  const { region } = Stack.of(scope)
  const pool = userPool(scope, names)
  const address = `https://${pageDomain}/`
  const client = new UserPoolClient(scope, 'Page', {
    userPool: pool,
    generateSecret: false,
    authFlows: {},
    oAuth: {
      flows: { authorizationCodeGrant: true },
      scopes: [OAuthScope.OPENID],
      callbackUrls: [address],
      logoutUrls: [address],
    },
    accessTokenValidity: Duration.hours(1),
    idTokenValidity: Duration.hours(1),
    refreshTokenValidity: Duration.days(1),
    preventUserExistenceErrors: true,
  })
  const server = signInServer(names, region)
  return {
    signIn: {
      issuer: `https://cognito-idp.${region}.amazonaws.com/${pool.userPoolId}`,
      clientId: client.userPoolClientId,
      authorizationEndpoint: `https://${server}/oauth2/authorize`,
      logoutEndpoint: `https://${server}/logout`,
      tokenPath: TOKEN_PATH,
    },
  }
}

/** Host of the sign-in pages. The name is known before the domain is created. */
export function signInServer({ signInDomain }: Names, region: string): string {
  return `${signInDomain}.auth.${region}.amazoncognito.com`
}
