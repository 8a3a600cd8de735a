"""The emulated bench: SO-101 arms, a table, a cube and two cameras in MuJoCo, behind the real bus protocol."""
