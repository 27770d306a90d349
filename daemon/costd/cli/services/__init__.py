"""costd as a service of the system: written, started and removed by a command.

plan       what a service file has to say about this installation
templates  the files of ``systemd/`` and ``launchd/``, from a wheel or a checkout
steps      files written and commands run, each told, or only told
systemd    a unit of the user's own manager, or of the whole machine
launchd    an agent of macOS
seen       what runs, and what is wrong with it
"""
