"""The napari plugin: panels that display and take input; the work is done by the library.

Only this package imports napari, qtpy and superqt. Modules without a widget need none of these.
"""
