"""A person opened a conversation with the assistant."""

from slack_bolt.async_app import AsyncSay, AsyncSetSuggestedPrompts

PROMPTS = ("What waits for me?", "How do I ask for an approval?")


async def greet(say: AsyncSay, set_suggested_prompts: AsyncSetSuggestedPrompts) -> None:
    """Says what the assistant is for, and offers two questions."""
    # Suggested prompts can be set as often as one likes, so they come first: if Slack refuses them for now, nothing was
    # said that the next attempt would say again.
    await set_suggested_prompts(PROMPTS)
    await say("I know what waits for your approval, and how to ask for one.")
