// A turning square, for the pictures of tests/system/toolkits.sh.
import QtQuick
import QtQuick.Window

Window {
    width: 640
    height: 480
    visible: true
    color: "steelblue"

    Rectangle {
        width: 200
        height: 200
        radius: 30
        anchors.centerIn: parent
        gradient: Gradient {
            GradientStop { position: 0; color: "orange" }
            GradientStop { position: 1; color: "crimson" }
        }
        RotationAnimation on rotation {
            from: 0
            to: 360
            duration: 3000
            loops: Animation.Infinite
        }
    }
    Text {
        x: 20
        y: 20
        color: "white"
        font.pixelSize: 28
        // 5: Vulkan
        text: "Qt Quick, graphics API " + GraphicsInfo.api
    }
}
