#!/usr/bin/python3
"""A WebKitGTK window for WebDriver that keeps its profile and says yes to the microphone.

PROFILE is the profile's folder, WITNESS a script for every page, NOTES the file that takes what it says.
"""

import os

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402

profile = os.environ["PROFILE"]
notes = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with open(os.environ["WITNESS"], encoding="utf-8") as file:
    witness = WebKit2.UserScript.new(
        file.read(), WebKit2.UserContentInjectedFrames.TOP_FRAME, WebKit2.UserScriptInjectionTime.START
    )

manager = WebKit2.WebsiteDataManager(base_data_directory=profile + "/data", base_cache_directory=profile + "/cache")
context = WebKit2.WebContext(website_data_manager=manager)
context.set_automation_allowed(True)
settings = WebKit2.Settings(
    enable_media_stream=True,
    media_playback_requires_user_gesture=False,
    enable_write_console_messages_to_stdout=True,
)


def allow(_view, request):
    request.allow()
    return True


def note(_manager, message):
    os.write(notes, message.get_js_value().to_string().encode() + b"\n")


def open_view(_session):
    content = WebKit2.UserContentManager()
    content.connect("script-message-received::note", note)
    content.register_script_message_handler("note")
    content.add_script(witness)
    view = WebKit2.WebView(
        web_context=context,
        settings=settings,
        user_content_manager=content,
        is_controlled_by_automation=True,
        website_policies=WebKit2.WebsitePolicies(autoplay=WebKit2.AutoplayPolicy.ALLOW),
    )
    view.connect("permission-request", allow)
    window = Gtk.Window()
    window.set_default_size(1280, 800)
    view.connect("close", lambda _view: window.destroy())
    window.add(view)
    window.show_all()
    view.grab_focus()
    return view


def begin(_context, session):
    info = WebKit2.ApplicationInfo()
    info.set_name("afterbeep-tests")
    info.set_version(1, 0, 0)
    session.set_application_info(info)
    session.connect("create-web-view", open_view)


context.connect("automation-started", begin)
Gtk.main()
