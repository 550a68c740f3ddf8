// Bolt for JavaScript with its default receiver and the bench's listeners: the same set, in the same order.
// node server.js PORT WEB_API_URL '[["event","message"],["command","/bench-0"],...]'
import bolt from '@slack/bolt';

const [port, webApiUrl, planned] = process.argv.slice(2);

const app = new bolt.App({
  token: 'xoxb-bench',
  signingSecret: '8f742231b10e8888abcd99yyyzzz85a5',
  clientOptions: { slackApiUrl: webApiUrl },
  logLevel: bolt.LogLevel.WARN,
});

const onEvent = () => async ({ event, client }) => {
  await client.chat.postMessage({ channel: event.channel, text: event.text });
};
const onInteraction = () => async ({ ack, body, client }) => {
  await ack();
  await client.chat.postMessage({ channel: body.channel_id, text: body.text });
};

for (const [kind, name] of JSON.parse(planned)) {
  if (kind === 'event') app.event(name, onEvent());
  else app[kind](name, onInteraction());
}

await app.start({ port: Number(port), host: '127.0.0.1' });
process.once('SIGTERM', () => process.exit(0));
