// Finds the conversation of a Slack request, for nginx (njs 0.7.9 and later): the same table as app/anchorbolt/delivery/keys.py.
// What has no conversation by that table is '': any pod may have the request.
// nginx copies a variable into a header as it stands, so that only IDENTIFIER may ever come out of here.

const EVENT = [
    ['event', 'channel'], ['event', 'item', 'channel'], ['event', 'channel', 'id'], ['event', 'channel_id'],
    ['event', 'assistant_thread', 'channel_id'], ['event', 'user'], ['event', 'user', 'id'], ['event', 'user_id'],
    ['team_id'], ['enterprise_id'],
];
const COMMAND = [['channel_id'], ['user_id'], ['team_id']];
const INTERACTIVE = [
    ['channel', 'id'], ['container', 'channel_id'], ['user', 'id'], ['team', 'id'], ['enterprise', 'id'],
];
const FIELDS = ['payload', 'command', 'ssl_check', 'channel_id', 'user_id', 'team_id'];
const IDENTIFIER = /^[A-Za-z0-9_-]{1,64}$/;
const NOWHERE = 'COMPOSER';  // link_shared says so of a message that is still being written: no conversation
const MOST_FIELDS = 200;  // the app refuses more
// Of JSON: njs makes 222 bytes of each `[]`, 85 of each `{}`. 128 KiB of the densest Block Kit have 8,600 and 5,000.
const MOST_COMMAS = 10000;
const MOST_OPENED = 6000;  // braces and brackets
const MOST_PLUSES = 20000;  // of a payload in a form: each is a space
const LONGEST_NAME = 30;  // `channel_id` with each of its letters escaped
const LONGEST_VALUE = 192;  // an identifier of 64 letters, each of them escaped

function member(value, name) {
    const is_object = typeof value === 'object' && value !== null && !Array.isArray(value);
    return is_object && Object.prototype.hasOwnProperty.call(value, name) ? value[name] : undefined;
}

// The first path that leads to text that is not empty; '' if that text is no identifier.
function first(payload, paths) {
    for (let i = 0; i < paths.length; i++) {
        const value = paths[i].reduce(member, payload);
        if (typeof value === 'string' && value !== '' && !(value === NOWHERE && paths[i] === EVENT[0])) {
            return IDENTIFIER.test(value) ? value : '';
        }
    }
    return '';
}

// Throws where the text has more of these signs than Slack would send. (A walk by indexOf() makes no values.)
function bounded(text, signs, most) {
    let count = 0;
    for (let i = 0; i < signs.length; i++) {
        for (let at = text.indexOf(signs[i]); at >= 0; at = text.indexOf(signs[i], at + 1)) {
            if (++count > most) {
                throw new Error('too many signs');
            }
        }
    }
}

// No replace() with an expression: njs makes objects of each match, 1.2 GiB of 129,000. What is too long to be an
// identifier stays as it is, unless it holds more. A payload with a `%` that escapes nothing throws: no conversation.
function decoded(name, text) {
    if (text.length > LONGEST_VALUE && name !== 'payload') {
        return text;
    }
    bounded(text, ['+'], MOST_PLUSES);
    const spaced = text.split('+').join(' ');
    return decodeURIComponent(name === 'payload' ? spaced : spaced.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
}

// The fields that matter, decoded; none where there are more than the app takes. Walks with indexOf(): split() would
// make a string of each of 129,000 empty fields.
function fields(form) {
    const raw = {};
    let begins = 0;
    for (let count = 1; begins <= form.length; count++) {
        if (count > MOST_FIELDS) {
            return {};
        }
        const separator = form.indexOf('&', begins);
        const ends = separator < 0 ? form.length : separator;
        const equals = form.slice(begins, Math.min(ends, begins + LONGEST_NAME + 1)).indexOf('=');
        const name_ends = equals < 0 ? ends : begins + equals;
        if (name_ends - begins <= LONGEST_NAME) {
            const name = decoded('', form.slice(begins, name_ends));
            if (FIELDS.indexOf(name) >= 0) {
                raw[name] = equals < 0 ? '' : form.slice(name_ends + 1, ends);  // the last of two counts
            }
        }
        begins = ends + 1;
    }
    const found = {};
    Object.keys(raw).forEach((name) => {
        found[name] = decoded(name, raw[name]);
    });
    return found;
}

// Throws where the text is no JSON, or larger as values than what Slack would send.
function parsed(text) {
    bounded(text, ['{', '['], MOST_OPENED);
    bounded(text, [','], MOST_COMMAS);
    return JSON.parse(text);
}

function found_in(content_type, body) {
    const media_type = content_type.split(';')[0].trim().toLowerCase();
    if (media_type === 'application/json') {
        const payload = parsed(body);
        return member(payload, 'type') === 'event_callback' ? first(payload, EVENT) : '';
    }
    if (media_type === 'application/x-www-form-urlencoded') {
        const form = fields(body);
        if (form.payload !== undefined) {
            return first(parsed(form.payload), INTERACTIVE);
        }
        return form.ssl_check === '1' || !form.command ? '' : first(form, COMMAND);
    }
    return '';
}

// For js_set. nginx asks once the body is there; what it wrote to disk because it was too large has no text.
function conversation(r) {
    try {
        return found_in(r.headersIn['Content-Type'] || '', r.requestText || '');
    } catch (error) {
        return '';
    }
}

// Another place on the ring for the same conversation: where the first pod refused.
function second(r) {
    const name = conversation(r);
    return name && name + '|2';
}

export default { conversation, second };
