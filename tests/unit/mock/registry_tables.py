#!/usr/bin/env python3
"""Prints, from vk.xml, which core version and which extensions bring each command and each chained struct.

Usage: registry_tables.py VK_XML > registry_tables.inc
The mock driver is strict with it: a driver must not see a struct or be asked for a command of an extension that it was
not given.
"""
import sys
import xml.etree.ElementTree as ElementTree

registry = ElementTree.parse(sys.argv[1]).getroot()


def for_vulkan(element, attribute="api"):
    return "vulkan" in element.get(attribute, "vulkan").split(",")


enumerators = set()
cores, extensions = {}, {}


def provide(block, core, extension):
    for require in block.findall("require"):
        if not for_vulkan(require):
            continue
        for item in list(require):
            name = item.get("name")
            if item.tag == "enum":
                if item.get("alias") is None and not item.get("protect"):
                    enumerators.add(name)
            elif item.tag in ("type", "command"):
                if core:
                    cores.setdefault(name, core)
                else:
                    extensions.setdefault(name, []).append(extension)


for feature in registry.findall("feature"):
    if for_vulkan(feature):
        major, minor = feature.get("number").split(".")
        provide(feature, f"VK_MAKE_API_VERSION(0, {major}, {minor}, 0)", None)
for extension in registry.findall("extensions/extension"):
    if "vulkan" in extension.get("supported", "").split(",") and not extension.get("platform"):
        provide(extension, None, extension.get("name"))
for group in registry.findall("enums"):
    if group.get("name") == "VkStructureType":
        enumerators.update(e.get("name") for e in group.findall("enum") if e.get("alias") is None)

# An alias shares its struct with its original, so whatever brings one brings the other.
aliases = {t.get("name"): t.get("alias") for t in registry.findall("types/type") if t.get("alias")}
for name, original in aliases.items():
    extensions.setdefault(original, []).extend(extensions.get(name, []))
    if name in cores:
        cores.setdefault(original, cores[name])


def row(name):
    names = extensions.get(name, [])
    # Structs and commands that an extension shares with VK_KHR_swapchain need VK_KHR_swapchain.
    if "VK_KHR_swapchain" in names:
        names = ["VK_KHR_swapchain"]
    known = ",".join(dict.fromkeys(names))
    return f'{cores.get(name, 0)}, "{known}"'


print("#ifdef REGISTRY_STRUCT")
for struct in registry.findall("types/type[@category='struct']"):
    name = struct.get("name")
    if name not in cores and not extensions.get(name):
        continue
    for member in struct.findall("member"):
        if member.findtext("name") == "sType" and member.get("values") in enumerators:
            print(f'REGISTRY_STRUCT({name}, {member.get("values")}, {row(name)})')
print("#endif\n#ifdef REGISTRY_COMMAND")
originals = {c.findtext("proto/name"): c for c in registry.findall("commands/command") if c.find("proto") is not None}
for command in registry.findall("commands/command"):
    name = command.get("name") or command.findtext("proto/name")
    if for_vulkan(command) and (name in cores or extensions.get(name)):
        original = originals.get(command.get("alias"), command)
        handle = original.find("param").findtext("type")
        of_device = "true" if handle in ("VkDevice", "VkQueue", "VkCommandBuffer") else "false"
        print(f'REGISTRY_COMMAND("{name}", {row(name)}, {of_device})')
print("#endif")
