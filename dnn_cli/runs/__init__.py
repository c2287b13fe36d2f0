"""Run directories: what a training leaves on the disk, and how it survives a power failure.

disk                    the system calls, the only place that makes them
files · append_log · lock   atomic files, logs of whole lines, one process a directory
tensors                 the file format: safetensors in one canonical form, with a SHA-256
model_file · checkpoint what such a file means
directory               where everything lies
json_file · recorders · environment   the text files beside it
"""
