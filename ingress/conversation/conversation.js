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

function member(value, name) {
    const is_object = typeof value === 'object' && value !== null && !Array.isArray(value);
    return is_object && Object.prototype.hasOwnProperty.call(value, name) ? value[name] : undefined;
}

// The first path that leads to text that is not empty; '' if that text is no identifier.
function first(payload, paths) {
    for (let i = 0; i < paths.length; i++) {
        const value = paths[i].reduce(member, payload);
        if (typeof value === 'string' && value !== '') {
            return IDENTIFIER.test(value) ? value : '';
        }
    }
    return '';
}

function decoded(text) {
    return text.replace(/\+/g, ' ').replace(/(%[0-9A-Fa-f]{2})+/g, (bytes) => decodeURIComponent(bytes));
}

function fields(form) {
    const found = {};
    form.split('&').forEach((field) => {
        const equals = field.indexOf('=');
        const name = decoded(equals < 0 ? field : field.slice(0, equals));
        if (FIELDS.indexOf(name) >= 0) {
            found[name] = equals < 0 ? '' : decoded(field.slice(equals + 1));  // the last of two counts
        }
    });
    return found;
}

function found_in(content_type, body) {
    const media_type = content_type.split(';')[0].trim().toLowerCase();
    if (media_type === 'application/json') {
        const payload = JSON.parse(body);
        return member(payload, 'type') === 'event_callback' ? first(payload, EVENT) : '';
    }
    if (media_type === 'application/x-www-form-urlencoded') {
        const form = fields(body);
        if (form.payload !== undefined) {
            return first(JSON.parse(form.payload), INTERACTIVE);
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
